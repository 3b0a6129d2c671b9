#!/bin/sh
# Runs the README's commands that need neither the network nor hours, on the quickstart's cache.
set -eu
cd "$(dirname "$0")/.."
PATH=$PWD/target/release:$PATH

set -x
fpl-repro all --profile quickstart
fpl-repro plan --profile quickstart
fpl-repro plan --profile quickstart --json >/dev/null
fpl-repro plan
fpl-repro status --profile quickstart
fpl-repro status --profile quickstart --json >/dev/null
fpl-repro report --profile quickstart --force
fpl-repro why --profile quickstart table2/resnet18/random/fpl/seed0
fpl-repro why --profile quickstart table2/resnet18/random/fpl/seed0 table2/resnet18/random/ce/seed0
fpl-repro why reports/quickstart/report.html
fpl-repro diff reports/quickstart reports/quickstart/report.json --md
fpl-repro diff reports/quickstart reports/quickstart/report.json --json >/dev/null
fpl-repro export checklist reports/quickstart >/dev/null
fpl-repro export attestation reports/quickstart >/dev/null
fpl-repro export forrt reports/quickstart >/dev/null
fpl-repro verify
fpl-repro plan --profile quickstart --budget 6h
fpl-repro all --profile quickstart --until-decided --seeds 0,1 --budget 1m
fpl-repro register --seeds 0..8 -o "$(mktemp -d)/registered.toml"
fpl-repro audit
fpl-repro audit --json >/dev/null
fpl-repro claims --profile quickstart
fpl-repro claims reports/quickstart --json >/dev/null
fpl-repro plan --profile what-if --cells 'what-if-stem/*'
fpl-repro bundle --profile quickstart --author 'A Name <https://orcid.org/0000-0002-1825-0097>' --weights target/weights.tar
fpl-repro verify reports/quickstart/fpl-repro-quickstart.tar.gz
fpl-repro diff reports/quickstart reports/quickstart/fpl-repro-quickstart.tar.gz
fpl-repro import --profile quickstart reports/quickstart/fpl-repro-quickstart.tar.gz
fpl-repro plot --only --profile quickstart && fpl-repro report --only --profile quickstart
fpl-repro pool reports/quickstart/fpl-repro-quickstart.tar.gz reports/quickstart/fpl-repro-quickstart.tar.gz
fpl-repro gc --profile quickstart --dry-run
fpl-repro gc --profile quickstart --dry-run --json >/dev/null
remote=remote.url=file://$(mktemp -d)
fpl-repro push --profile quickstart --tag readme --set "$remote"
fpl-repro pull --profile quickstart --no-weights --set "$remote"
fpl-repro gc --profile quickstart --remote --set "$remote"
fpl-repro bundle --profile quickstart --remote --set "$remote"
fpl-repro completions bash | bash -n
fpl-repro man | grep -q gc
make verify-results
fpl-repro --help >/dev/null
