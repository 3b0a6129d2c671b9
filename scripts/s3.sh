#!/bin/bash
# The remote cache on two real S3 servers on this machine: s3s-fs from crates.io, which keeps objects in a folder, and moto from
# PyPI, which keeps them in memory. Two small cells are pushed and pulled bit for bit; the server is killed in between, stopped
# for longer than an answer may take elsewhere, gone, has wrong bytes, refuses, and, as root, has a full disk.
#   scripts/s3.sh [s3s] [moto]
# Needs target/release; everything else is in a folder of its own or in target/tools.
set -euo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
program=$here/target/release/fpl-repro
tools=$here/target/tools
moto=$(command -v moto_server || echo "$tools/moto/bin/moto_server")
s3s=$(command -v s3s-fs || echo "$tools/s3s/bin/s3s-fs")
get_moto() {
    [ -x "$moto" ] && return
    python3 -m venv "$tools/moto"
    "$tools/moto/bin/pip" install --quiet --disable-pip-version-check 'moto[s3,server]==5.2.1'
}
get_s3s() {
    [ -x "$s3s" ] && return
    # It only has to run: optimised it takes several times as long to build.
    CARGO_PROFILE_RELEASE_OPT_LEVEL=0 CARGO_TARGET_DIR="$tools/s3s-build" \
        cargo install --quiet --locked --root "$tools/s3s" --features binary s3s-fs@0.14.1
    rm -rf "$tools/s3s-build"
}

work=$(mktemp -d)
pid=
cleanup() {
    [ -z "$pid" ] || kill -KILL "$pid" 2>/dev/null || true
    wait 2>/dev/null || true
    ! mountpoint -q "$work/small" || umount "$work/small"
    rm -rf "$work"
}
trap cleanup EXIT
fail() {
    echo "s3.sh: $kind: $*" >&2
    exit 1
}

port=17931
export AWS_ENDPOINT=http://127.0.0.1:$port AWS_ALLOW_HTTP=true AWS_REGION=us-east-1
export AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test
unset http_proxy https_proxy HTTP_PROXY HTTPS_PROXY
serve() { # what is in a folder; moto has none: a new one is empty
    case $kind in
    moto) "$moto" -H 127.0.0.1 -p $port >"$work/server.log" 2>&1 & ;;
    s3s)
        mkdir -p "$1/bucket"
        "$s3s" --host 127.0.0.1 --port $port --access-key test --secret-key test "$1" >"$work/server.log" 2>&1 &
        ;;
    esac
    pid=$!
    for _ in $(seq 100); do
        if curl -s -o "$work/answer" "$AWS_ENDPOINT/"; then
            [ $kind != moto ] || curl -fs -X PUT "$AWS_ENDPOINT/bucket" >/dev/null
            return
        fi
        sleep 0.2
    done
    fail "the server does not start: $(cat "$work/server.log")"
}
stop() {
    kill -KILL "$pid"
    wait "$pid" || true
    pid=
}
project() { # a new one
    mkdir -p "$work/$1"
    cp -r "$here"/{pipeline.toml,paper.toml,profiles} "$work/$1/"
    cd "$work/$1"
}
run() { "$program" "$@" --profile quickstart --cells 'table2/resnet18/random/*' --seeds 0 --set remote.url=s3://bucket/fpl; }
same_weights() {
    for entry in "$work"/theirs/cache/train/*/; do
        cmp "$entry/weights.safetensors" "cache/train/$(basename "$entry")/weights.safetensors" || fail "other weights"
    done
}

pushed_and_pulled() {
    cd "$work/theirs"
    run push | tee "$work/said"
    grep -q "^4 results pushed" "$work/said" || fail "not pushed"
    run push --tag v1 >"$work/said"
    grep -q "^0 results pushed to s3://bucket/fpl, 4 there" "$work/said" || fail "pushed twice"
    grep -q "tag v1 keeps 4 results" "$work/said" || fail "no tag"
    project ours
    run all --remote 2>"$work/said" || fail "$(cat "$work/said")"
    ! grep -E "^(train|evaluate) .*: done in" "$work/said" || fail "trained what was there"
    same_weights
    "$program" verify --profile quickstart
    "$program" gc --remote --profile quickstart --set remote.url=s3://bucket/fpl | grep -q "0 entries" || fail "not all is named"
    project evidence
    run pull --no-weights
    [ -z "$(find cache/train -name weights.safetensors)" ] || fail "weights were brought"
    run report --quiet
    [ -f reports/quickstart/report.html ] || fail "no report"
}

# A pull that has begun when the server is killed, and another when it is stopped for 40 s.
interrupted() {
    for what in killed stopped; do
        project "$what"
        run pull >"$work/said" 2>&1 &
        local pull=$!
        until ls cache/downloads/*weights*.part >"$work/parts" 2>/dev/null; do
            kill -0 $pull 2>/dev/null || fail "came too fast to be $what"
        done
        if [ $what = killed ]; then
            stop
            ! wait $pull || fail "a pull ended well without a server"
            grep -q "it goes on where it stopped" "$work/said" || fail "$(cat "$work/said")"
            serve "$work/objects"
            run pull >"$work/said" 2>&1 &
            pull=$!
        else
            kill -STOP "$pid"
            sleep 40
            kill -CONT "$pid"
        fi
        wait $pull || fail "$what: $(cat "$work/said")"
        same_weights
    done
}

wrong_bytes() {
    weights=$(sha256sum "$(find "$work/theirs/cache/train" -name weights.safetensors | head -n 1)" | cut -d ' ' -f 1)
    case $kind in
    moto)
        signed='Authorization: AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=none'
        curl -fs -X PUT -H "$signed" -H 'Content-Type: application/octet-stream' --data-binary 'not it' \
            "$AWS_ENDPOINT/bucket/fpl/cas/$weights" >/dev/null
        ;;
    s3s) printf 'not it' | dd of="$work/objects/bucket/fpl/cas/$weights" bs=1 seek=1000 conv=notrunc status=none ;;
    esac
    project wrong
    if run pull >"$work/said" 2>&1; then fail "believed wrong bytes"; fi
    grep -q "is not what its name says" "$work/said" || fail "$(cat "$work/said")"
}

refused() {
    project refused
    # moto takes any signature, and none for a stranger; s3s-fs checks it.
    if [ $kind = moto ]; then export AWS_SKIP_SIGNATURE=true; else export AWS_SECRET_ACCESS_KEY=another; fi
    if run pull >"$work/said" 2>&1; then fail "read without a right to"; fi
    grep -q "check the credentials" "$work/said" || fail "$(cat "$work/said")"
    unset AWS_SKIP_SIGNATURE
    export AWS_SECRET_ACCESS_KEY=test
}

gone() {
    project gone
    stop
    run all --remote --set recipes.table2.epochs=1 2>"$work/said" || fail "$(cat "$work/said")"
    grep -q "it is not asked again" "$work/said" || fail "no warning"
    serve "$work/new"
    run push --set recipes.table2.epochs=1 | grep -q "^4 results pushed" || fail "not pushed later"
    stop
}

full_disk() {
    mkdir "$work/small"
    mount -t tmpfs -o size=60m tmpfs "$work/small" || return 0
    serve "$work/small"
    cd "$work/theirs"
    if run push >"$work/said" 2>&1; then fail "there was room"; fi
    grep -q "failed to write" "$work/said" || fail "$(cat "$work/said")"
    mount -o remount,size=400m "$work/small"
    run push >"$work/said" 2>&1 || fail "not pushed later: $(cat "$work/said")"
    project room
    run pull >"$work/said" 2>&1 || fail "$(cat "$work/said")"
    same_weights
    stop
}

kind=none
project theirs
run evaluate --quiet
for kind in "${@:-s3s moto}"; do
    for kind in $kind; do
        get_$kind
        serve "$work/objects"
        pushed_and_pulled
        [ $kind = moto ] || interrupted # moto would forget everything.
        wrong_bytes
        refused
        gone
        if [ $kind = s3s ] && [ "$(id -u)" = 0 ]; then full_disk; fi
        rm -rf "$work"/{ours,evidence,killed,stopped,wrong,refused,gone,room,new}
        echo "$kind: pushed once, pulled bit for bit; wrong bytes and no rights told; a server that is gone stops no run"
    done
done
