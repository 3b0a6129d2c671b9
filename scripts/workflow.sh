#!/bin/sh
# Runs the commands of examples/ci/github-actions.yml here: all of its `run` steps, in order, with a summary file as GitHub
# gives one. Its actions (checkout, cache, upload) exist on GitHub only.
set -eu
cd "$(dirname "$0")/.."
GITHUB_STEP_SUMMARY=$(mktemp)
export GITHUB_STEP_SUMMARY
trap 'rm -rf "$GITHUB_STEP_SUMMARY" quickstart.tar.gz site statement.json predicate.json' EXIT

# Every `run` is a single line, which `grep` finds and a test checks.
steps=$(sed -n 's/^ *run: //p' examples/ci/github-actions.yml)
echo "$steps" | while IFS= read -r step; do
    echo "+ $step"
    sh -c "$step" </dev/null
done
grep -q 'fpl-repro:summary' "$GITHUB_STEP_SUMMARY"
