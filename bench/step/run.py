#!/usr/bin/env python3
"""Times training steps against PyTorch, eager, with the same networks, batches, losses and optimizer.

    bench/step/run.py [--quick] [--rounds N] [--threads 1,2] [--only resnet18]

All programs of a row run side by side and take turns, an epoch of a few steps each, so that whatever else the machine
does falls on all of them; a ratio is the median over rounds of one round's ratio. Needs LIBTORCH. PYTHON names a Python
with bench/step/requirements.txt installed; without it a virtual environment is made in target/bench/.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(HERE.parent))
import environment

# What `fpl-repro` sets for its workers: freed memory is kept, not given back and faulted in anew at every step.
MALLOC = {"MALLOC_MMAP_THRESHOLD_": "4294967296", "MALLOC_TRIM_THRESHOLD_": "4294967296"}
# Network, loss, batch, steps per round.
ROWS = [
    ("resnet18", "ce", 64, 4),
    ("resnet18", "fpl", 64, 4),
    ("resnet50", "fpl", 64, 2),
    ("resnet50-cifar", "fpl", 16, 1),
    ("efficientnetv2-s", "fpl", 64, 2),
]
PROGRAMS = ["PyTorch", "PyTorch channels-last", "ours", "ours + malloc"]


class Program:
    def __init__(self, command, environment):
        environment = {**os.environ, **environment}
        self.process = subprocess.Popen(
            [str(word) for word in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )

    def round(self):
        print(file=self.process.stdin, flush=True)
        line = json.loads(self.process.stdout.readline())
        if "error" in line:
            sys.exit(line["error"])
        return {**line, "cpu": line["user"] + line["system"]}

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def measure(network, loss, batch, steps, threads, rounds, interpreter):
    arguments = [network, loss, batch, steps, threads]
    reference = [interpreter, HERE / "reference.py", *arguments]
    step = [ROOT / "target/release/examples/step", *arguments]
    programs = [Program(reference, {}), Program([*reference, "nhwc"], {}), Program(step, {}), Program(step, MALLOC)]
    for program in programs:
        program.round()  # Warms up.
    results = [[] for _ in programs]
    for turn in range(rounds):
        order = range(len(programs)) if turn % 2 == 0 else reversed(range(len(programs)))
        for index in order:
            results[index].append(programs[index].round())
    for program in programs:
        program.close()
    return results


def row(results, index):
    def median(key):
        return statistics.median(line[key] for line in results[index])

    def ratio(key):
        pairs = zip(results[index], results[0])
        return statistics.median(ours[key] / theirs[key] for ours, theirs in pairs)

    cells = [f"{median('wall'):.0f}", f"{ratio('wall'):.2f}", f"{median('cpu'):.0f}", f"{ratio('cpu'):.2f}"]
    return cells + [f"{median('system'):.0f}", f"{median('peak'):.0f}"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--quick", action="store_true", help="3 rounds of ResNet-18 with one thread")
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--only", help="one network")
    options = parser.parse_args()
    threads = [1] if options.quick else [int(count) for count in options.threads.split(",")]
    only = "resnet18" if options.quick else options.only
    rounds = 3 if options.quick else options.rounds
    interpreter = os.environ.get("PYTHON") or str(environment.folder("step") / "python")
    build = ["cargo", "build", "--release", "--quiet", "-p", "fpl-repro-worker", "--example", "step"]
    subprocess.run(build, cwd=ROOT, check=True)
    print("| network | loss | batch | threads | program | ms/step | ratio | CPU ms/step | ratio | system ms | peak MiB |")
    print("|---|---|--:|--:|---|--:|--:|--:|--:|--:|--:|")
    for count in threads:
        for network, loss, batch, steps in ROWS:
            if only and network != only:
                continue
            results = measure(network, loss, batch, steps, count, rounds, interpreter)
            for index, program in enumerate(PROGRAMS):
                cells = [network, loss, batch, count, program, *row(results, index)]
                print("| " + " | ".join(str(cell) for cell in cells) + " |", flush=True)


main()
