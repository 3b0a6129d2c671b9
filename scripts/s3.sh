#!/bin/bash
# The remote cache on a real S3 server on this machine: moto, from PyPI. Pushes two small cells, kills the server in between,
# pulls them elsewhere, meets wrong bytes, and may not write. Needs target/release; everything is in a folder of its own.
set -euo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
program=$here/target/release/fpl-repro
server=$(command -v moto_server || true)
if [ -z "$server" ]; then
    python3 -m venv "$here/target/tools/moto"
    "$here/target/tools/moto/bin/pip" install --quiet --disable-pip-version-check 'moto[s3,server]==5.2.1'
    server=$here/target/tools/moto/bin/moto_server
fi

work=$(mktemp -d)
pid=
cleanup() {
    [ -z "$pid" ] || kill "$pid" 2>/dev/null || true
    rm -rf "$work"
}
trap cleanup EXIT
fail() {
    echo "s3.sh: $*" >&2
    exit 1
}

port=17931
export AWS_ENDPOINT=http://127.0.0.1:$port AWS_ALLOW_HTTP=true AWS_REGION=us-east-1
export AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test
unset http_proxy https_proxy HTTP_PROXY HTTPS_PROXY
serve() { # moto keeps what it has in memory: a new one is empty
    "$server" -H 127.0.0.1 -p $port >"$work/server.log" 2>&1 &
    pid=$!
    for _ in $(seq 100); do
        curl -fs -X PUT "$AWS_ENDPOINT/bucket" >/dev/null && return
        sleep 0.2
    done
    fail "the server does not start: $(cat "$work/server.log")"
}
project() { # a new one
    mkdir -p "$work/$1"
    cp -r "$here"/{pipeline.toml,paper.toml,profiles} "$work/$1/"
    cd "$work/$1"
}
run() { "$program" "$@" --profile quickstart --cells 'table2/resnet18/random/*' --seeds 0 --set remote.url=s3://bucket/fpl; }

serve
project theirs
run evaluate --quiet
run push | tee "$work/said"
grep -q "^4 results pushed" "$work/said" || fail "not pushed"
run push | grep -q "^0 results pushed to s3://bucket/fpl, 4 there" || fail "pushed twice"

project ours
run all --remote 2>"$work/said" || fail "$(cat "$work/said")"
! grep -E "^(train|evaluate) .*: done in" "$work/said" || fail "trained what was there"
for entry in "$work"/theirs/cache/train/*/; do
    cmp "$entry/weights.safetensors" "$work/ours/cache/train/$(basename "$entry")/weights.safetensors" || fail "other weights"
done
"$program" verify --profile quickstart

project evidence
run pull --no-weights
[ -z "$(find cache/train -name weights.safetensors)" ] || fail "weights were brought"
run report --quiet
[ -f reports/quickstart/report.html ] || fail "no report"

project wrong
weights=$(sha256sum "$(find "$work/theirs/cache/train" -name weights.safetensors | head -n 1)" | cut -d ' ' -f 1)
signed='Authorization: AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=none'
curl -fs -X PUT -H "$signed" -H 'Content-Type: application/octet-stream' --data-binary 'not it' \
    "$AWS_ENDPOINT/bucket/fpl/cas/$weights" >/dev/null
if run pull 2>"$work/said"; then fail "believed wrong bytes"; fi
grep -q "is not what its name says" "$work/said" || fail "$(cat "$work/said")"

# Without a signature the server answers 403.
if AWS_SKIP_SIGNATURE=true run pull 2>"$work/said"; then fail "read without a right to"; fi
grep -q "check the credentials" "$work/said" || fail "$(cat "$work/said")"

project gone
kill "$pid"
wait "$pid" || true
run all --remote --set recipes.table2.epochs=1 2>"$work/said" || fail "$(cat "$work/said")"
grep -q "it is not asked again" "$work/said" || fail "no warning"
serve
run push --set recipes.table2.epochs=1 | grep -q "^4 results pushed" || fail "not pushed later"
echo "S3: pushed once, pulled bit for bit, wrong bytes and no rights told, a server that is gone stops no run"
