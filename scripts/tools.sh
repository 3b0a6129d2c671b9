#!/bin/sh
# Brings what some tests use where it is there, on Debian as root: Chromium, axe-core, a TeX, and the RO-Crate validator.
# Prints the settings with which no test is skipped for lack of one:
#   eval "$(scripts/tools.sh)"
set -eu
cd "$(dirname "$0")/.."
tools=$PWD/target/tools

if ! command -v chromium >/dev/null || ! command -v pdflatex >/dev/null || ! command -v npm >/dev/null; then
    apt-get update -qq >&2
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium texlive-latex-recommended npm >&2
fi
scripts/axe.sh >&2
if [ ! -f "$tools/rocrate.sqlite" ]; then
    python3 -m venv "$tools" >&2
    # The validator's one document from the network comes from the package rocrate instead.
    "$tools/bin/pip" install --quiet --disable-pip-version-check roc-validator==0.13.0 rocrate==0.11.0 >&2
    "$tools/bin/python" scripts/rocrate-cache.py "$tools/rocrate" >&2
fi

echo "export PATH=\"\$PATH\":'$tools/bin' ROCRATE_CACHE='$tools/rocrate' FPL_REPRO_TOOLS=required"
