#!/bin/sh
# Brings what some tests use where it is there, on Debian as root: Chromium, axe-core, a TeX with the
# classes of papers, strace, in-toto's messages, the RO-Crate validator, and Snakemake.
# Prints the settings with which no test is skipped for lack of one:
#   eval "$(scripts/tools.sh)"
set -eu
cd "$(dirname "$0")/.."
tools=$PWD/target/tools

# Only what is missing: Debian's npm, for one, cannot be installed beside a Node.js from elsewhere.
missing=
command -v chromium >/dev/null || missing="$missing chromium"
command -v pdflatex >/dev/null || missing="$missing texlive-latex-recommended"
kpsewhich IEEEtran.cls acmart.cls >/dev/null || missing="$missing texlive-publishers"
kpsewhich siunitx.sty >/dev/null || missing="$missing texlive-science"
# What acmart loads.
kpsewhich xstring.sty totpages.sty >/dev/null || missing="$missing texlive-latex-extra texlive-plain-generic"
command -v strace >/dev/null || missing="$missing strace"
command -v npm >/dev/null || missing="$missing npm"
if [ -n "$missing" ]; then
    apt-get update -qq >&2
    # shellcheck disable=SC2086 # a list of words
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >&2
fi
scripts/axe.sh >&2
scripts/actionlint.sh >&2
if [ ! -x "$tools/bin/python" ]; then python3 -m venv "$tools" >&2; fi
"$tools/bin/python" -c 'import in_toto_attestation' 2>/dev/null ||
    "$tools/bin/pip" install --quiet --disable-pip-version-check in-toto-attestation==0.9.3 >&2
[ -x "$tools/bin/snakemake" ] ||
    "$tools/bin/pip" install --quiet --disable-pip-version-check snakemake==9.27.1 >&2
if [ ! -f "$tools/rocrate.sqlite" ]; then
    # The validator's one document from the network comes from the package rocrate instead.
    "$tools/bin/pip" install --quiet --disable-pip-version-check roc-validator==0.13.0 rocrate==0.11.0 >&2
    "$tools/bin/python" scripts/rocrate-cache.py "$tools/rocrate" >&2
fi

echo "export PATH=\"\$PATH\":'$tools/bin' ROCRATE_CACHE='$tools/rocrate' FPL_REPRO_TOOLS=required"
