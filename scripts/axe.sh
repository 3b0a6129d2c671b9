#!/bin/sh
# Fetches axe-core, which the browser tests hold the report against, into target/axe.
set -eu
cd "$(dirname "$0")/.."
command -v npm >/dev/null || { echo "axe.sh: npm is not installed" >&2; exit 1; }
exec npm install --prefix target/axe --no-save --no-audit --no-fund axe-core@4.14.1
