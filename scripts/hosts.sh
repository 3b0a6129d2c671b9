#!/bin/bash
# Hosts that share a folder in which no lock of one holds on the other: namespaces of this machine, as root, each with its own
# name, boot identity, processes and network, and with an flock that always succeeds. `doctor` must see it; then cells are shared,
# one host dies, and one is stopped for longer than its leases last and goes on: each result must have been made once, with the
# weights that a plain `all` gives, bit for bit. Needs target/release and a C compiler.
set -euo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
program=$here/target/release/fpl-repro

work=$(mktemp -d)
mkdir "$work/project"
cleanup() {
    for host in "$work"/*.pid; do [ ! -f "$host" ] || kill -KILL "$(cat "$host")" 2>/dev/null || true; done
    wait 2>/dev/null || true
    rm -rf "$work"
}
trap cleanup EXIT
fail() {
    echo "hosts.sh: $*" >&2
    tail -n 30 "$work"/*.log >&2 || true
    exit 1
}

echo 'int flock(int file, int operation) { (void)file; (void)operation; return 0; }' >"$work/flock.c"
cc -shared -fPIC -o "$work/flock.so" "$work/flock.c"

# host NAME COMMAND…: runs it there in the background, with what it says in NAME.log; its first process is in NAME.pid.
host() {
    local name=$1
    shift
    cat /proc/sys/kernel/random/uuid >"$work/$name.boot"
    # The outer process is the parent of the namespace's first, whose end is that of every process in it.
    unshare --mount --uts --pid --net --fork --kill-child --mount-proc bash -c '
        hostname "$1" && mount --bind "$2" /proc/sys/kernel/random/boot_id && export LD_PRELOAD=$3 && shift 3 && exec "$@"
    ' - "$name" "$work/$name.boot" "$work/flock.so" "$@" >>"$work/$name.log" 2>&1 &
    echo $! >"$work/$name.pid"
}
ends() { # host NAME, with this exit code
    local code=0
    wait "$(cat "$work/$1.pid")" || code=$?
    rm "$work/$1.pid"
    [ "$code" = "$2" ] || fail "$1 ended with $code"
}
until_said() { # by host NAME
    for _ in $(seq 600); do
        grep -q "$2" "$work/$1.log" 2>/dev/null && return
        sleep 0.1
    done
    fail "$1 does not say: $2"
}
signal() { # to the program and its workers on host NAME
    for process in $(pgrep -f "^$program" || true); do
        if [ "$(readlink "/proc/$process/ns/pid")" = "$(readlink "/proc/$(cat "$work/$1.pid")/ns/pid_for_children")" ]; then
            kill "-$2" "$process"
        fi
    done
}

# --- What they see of each other ----------------------------------------------------------------------------------------
for name in node1 node2; do host $name "$program" doctor --shared "$work/project" --wait 30; done
for name in node1 node2; do ends $name 0; done
grep -q "on node2" "$work/node1.log" || fail "node1 did not meet node2"
for name in node1 node2; do
    grep -q "a lock was granted to both at once" "$work/$name.log" || fail "$name did not find that locks do not hold"
    ! grep -q "both processes run on one machine" "$work/$name.log" || fail "$name takes both for one machine"
done
cat "$work/node1.log"

# --- The cells ----------------------------------------------------------------------------------------------------------
cp -r "$here"/{pipeline.toml,paper.toml,profiles} "$work/project/"
cd "$work/project"
sed -e 's/^seeds = .*/seeds = [0, 1]/' -e 's/^jobs = .*/jobs = 1\nlease = 3/' -e 's/^epochs = .*/epochs = 8/' \
    "$here/tests/it/small.toml" >profiles/hosts.toml
"$program" evaluate --profile hosts --cache-dir "$work/alone" --quiet
run() { host "$1" "$program" work --profile hosts; }

# One dies in the middle of a cell. The other passes it by, and whoever comes later goes on with it.
rm "$work"/*.log
run node1
until_said node1 "epoch 2/"
kill -KILL "$(cat "$work/node1.pid")"
ends node1 137
run node3
until_said node3 "epoch 1/"
run node2
until_said node2 "epoch 1/"
"$program" status --profile hosts | grep "held by"

# One is stopped, with its worker, until its cell is another's, and goes on then.
signal node3 STOP
ends node2 0
host node4 "$program" all --profile hosts
ends node4 0
signal node3 CONT
ends node3 0
! grep -q "done in" "$work/node3.log" || fail "node3 made a result that was no longer its own to make"

# --- What must hold -----------------------------------------------------------------------------------------------------
cat "$work"/*.log | grep -E "^(train|evaluate) .*: done in" | sed 's/: done in.*//' | sort >"$work/made"
[ "$(wc -l <"$work/made")" = 8 ] || fail "$(wc -l <"$work/made") results were made, not 8"
[ -z "$(uniq -d "$work/made")" ] || fail "made twice: $(uniq -d "$work/made")"
cat "$work"/*.log | grep -q "goes on after epoch" || fail "the cell of the host that died was begun anew"
for entry in cache/train/*/; do
    cmp "$entry/weights.safetensors" "$work/alone/train/$(basename "$entry")/weights.safetensors" || fail "other weights"
done
[ -z "$(find cache/leases -type f)" ] || fail "leases are left"
"$program" verify --profile hosts
echo "4 cells on hosts without common locks, each made once, bit for bit those of a plain run"
