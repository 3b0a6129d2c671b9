#!/bin/bash
# Runs 24 small cells on a real Slurm: Debian's packages, four nodes on this machine, as root. One task is killed, one
# cancelled, one queued again, and the controller restarted; then each result must have been made once, with the weights that
# a plain `all` gives, bit for bit. Needs target/release; everything is in a folder of its own, which is removed.
set -euo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
program=$here/target/release/fpl-repro
if ! command -v slurmctld slurmd munged >/dev/null; then
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends slurm-wlm munge
fi

work=$(mktemp -d)
chmod 755 "$work"
mkdir -p "$work"/{state,spool,munge,project}
started=()
cleanup() {
    for process in "${started[@]}"; do kill "$process" 2>/dev/null || true; done
    wait 2>/dev/null || true
    rm -rf "$work"
}
trap cleanup EXIT
fail() {
    echo "slurm.sh: $*" >&2
    tail -n 20 "$work"/*.log "$work"/project/cache/slurm/*.log >&2 || true
    exit 1
}

# --- The cluster --------------------------------------------------------------------------------------------------------
head -c 1024 /dev/urandom >"$work/munge/key"
chmod 400 "$work/munge/key"
munged --foreground --force --num-threads=2 --socket="$work/munge/socket" --key-file="$work/munge/key" \
    --pid-file="$work/munge/pid" --seed-file="$work/munge/seed" --log-file="$work/munge.log" 2>/dev/null &
started+=($!)
export SLURM_CONF=$work/slurm.conf
cat >"$SLURM_CONF" <<CONF
ClusterName=local
SlurmctldHost=$(hostname -s)(127.0.0.1)
SlurmctldPort=17817
AuthType=auth/munge
AuthInfo=socket=$work/munge/socket
CredType=cred/munge
SlurmUser=root
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
ReturnToService=2
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerParameters=sched_interval=2,batch_sched_delay=1
KillWait=5
StateSaveLocation=$work/state
SlurmdSpoolDir=$work/spool/%n
SlurmctldPidFile=$work/slurmctld.pid
SlurmdPidFile=$work/slurmd-%n.pid
SlurmctldLogFile=$work/slurmctld.log
SlurmdLogFile=$work/slurmd-%n.log
SlurmdParameters=config_overrides
NodeName=node[1-4] NodeHostname=$(hostname -s) NodeAddr=127.0.0.1 Port=[17821-17824] CPUs=1
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
CONF
controller() {
    slurmctld -D 2>>"$work/slurmctld.out" &
    controller=$!
    started+=("$controller")
}
controller
for node in 1 2 3 4; do
    mkdir -p "$work/spool/node$node"
    slurmd -D -N "node$node" 2>>"$work/slurmd.out" &
    started+=($!)
done
for _ in $(seq 60); do
    [ "$(sinfo -h -N -t idle 2>/dev/null | wc -l)" = 4 ] && break
    sleep 1
done
sinfo -N || fail "the cluster does not start"

# --- The cells ----------------------------------------------------------------------------------------------------------
cp -r "$here"/{pipeline.toml,paper.toml,profiles} "$work/project/"
cd "$work/project"
sed -e 's/^seeds = .*/seeds = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]/' -e 's/^jobs = .*/jobs = 1/' -e 's/^epochs = .*/epochs = 6/' \
    "$here/tests/it/small.toml" >profiles/slurm.toml
"$program" evaluate --profile slurm --cache-dir "$work/alone" --quiet
"$program" submit slurm --profile slurm --tasks 4

made() { cat cache/slurm/*.log 2>/dev/null | grep -c "^$1 .*: done in" || true; }
until_made() { # so many trainings
    for _ in $(seq 600); do
        [ "$(made train)" -ge "$1" ] && return
        sleep 0.5
    done
    fail "no $1 trainings"
}
running() { squeue -h -t running -o %i | sed -n "$1p"; }

until_made 2
# Killed: Slurm takes the task for failed, and another goes on with its cell.
victim=$(pgrep -f "^$program work" | head -n 1)
kill -9 "$victim"
echo "killed process $victim"
until_made 5
victim=$(running 2)
scancel "$victim"
echo "cancelled $victim"
until_made 8
victim=$(running 1)
scontrol requeue "$victim"
echo "queued $victim again"
until_made 10
kill "$controller"
wait "$controller" || true
controller
echo "restarted the controller"
"$program" status --profile slurm | grep -m 1 "held by job" || echo "no cell is held at this moment"

for _ in $(seq 1200); do
    [ -z "$(squeue -h 2>/dev/null || echo unknown)" ] && break
    sleep 0.5
done
[ -z "$(squeue -h)" ] || fail "the jobs do not end: $(squeue)"

# --- What must hold -----------------------------------------------------------------------------------------------------
cat cache/slurm/*.log | grep -E "^(train|evaluate) .*: done in" | sed 's/: done in.*//' | sort >"$work/made"
[ "$(wc -l <"$work/made")" = 48 ] || fail "$(wc -l <"$work/made") results were made, not 48"
[ -z "$(uniq -d "$work/made")" ] || fail "made twice: $(uniq -d "$work/made")"
for entry in cache/train/*/; do
    cmp "$entry/weights.safetensors" "$work/alone/train/$(basename "$entry")/weights.safetensors" || fail "other weights"
done
[ "$(ls cache/train | wc -l)" = 24 ] || fail "not 24 trainings"
[ -z "$(find cache/leases -type f)" ] || fail "leases are left"
[ -f reports/slurm/report.html ] || fail "no report"
"$program" verify --profile slurm
echo "24 cells, each made once, bit for bit those of a plain run"
