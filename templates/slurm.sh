#!/bin/bash
# Written by `fpl-repro submit slurm`. Identical tasks: each takes a cell that nobody holds, finishes it, and takes the next;
# the cache says what is done, and the index of a task selects nothing. When they have ended, what is left and the report:
#   {{ work }}
#   {{ report }}
#SBATCH --job-name=fpl-repro
#SBATCH --output={{ logs }}/%x-%j.log
#SBATCH --open-mode=append
#SBATCH --requeue
#SBATCH --signal=B:USR1@{{ notice }}
{%- for option in options %}
#SBATCH {{ option }}
{%- endfor %}

cd {{ folder }} || exit 1
{{ program }} "$@" {{ arguments }} &
program=$!
wall=

# {{ notice }} s before the wall: stop now, and go on from the last finished epoch when the queue starts the task again.
trap 'wall=near; kill -TERM "$program"' USR1
trap 'kill -TERM "$program"' TERM INT

# A signal ends `wait` before the program ends.
while kill -0 "$program" 2>/dev/null; do wait "$program"; done
wait "$program"
status=$?

# 130: interrupted. A preempted or lost task is queued again by Slurm itself, and a cancelled one not at all.
if [ -n "$wall" ] && [ "$status" -eq 130 ]; then
    exec scontrol requeue "$SLURM_JOB_ID"
fi
exit "$status"
