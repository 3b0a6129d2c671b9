#!/usr/bin/env python3
"""Times the pipeline with very many cells and workers, without training: `bench/scale/worker.rs` stands in for the worker.

    bench/scale/run.py [--rounds 5] [--workers 8 64] [--seconds 5] [--each 4] [--write]

Needs LIBTORCH for the build alone. Two tables: commands on matrices of 72, 8,000 and 10,000 cells, the least of several
rounds; and one cache shared by so many `work` processes, each of which waits so many seconds per cell and computes nothing,
as the processor of a machine with a GPU does. `--write` puts both into bench/README.md.
"""

import argparse
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(HERE.parent))
import readme

CELLS = 8  # of a seed


def build(folder):
    """The program with the idle worker beside it."""
    subprocess.run(["cargo", "build", "--release", "--quiet", "--bin", "fpl-repro", "--example", "idle-worker"], cwd=ROOT, check=True)
    shutil.copy(ROOT / "target/release/fpl-repro", folder / "fpl-repro")
    shutil.copy(ROOT / "target/release/examples/idle-worker", folder / "fpl-repro-worker")


class Project:
    """A folder with the benchmark's profile and a cache."""

    def __init__(self, folder, name, cells):
        self.program, self.folder = folder / "fpl-repro", folder / name
        (self.folder / "profiles").mkdir(parents=True)
        for file in ["pipeline.toml", "paper.toml"]:
            shutil.copy(ROOT / file, self.folder)
        shutil.copy(HERE / "bench.toml", self.folder / "profiles")
        self.options = ["--profile", "bench", "--seeds", f"0..{cells // CELLS - 1}"]

    def start(self, words, seconds=0, **more):
        environment = {**os.environ, "FPL_IDLE_SECONDS": str(seconds)}
        command = [self.program, *words, *self.options]
        return subprocess.Popen(command, cwd=self.folder, env=environment, stderr=subprocess.PIPE, text=True, **more)

    def run(self, *words):
        """Wall and processor seconds, MiB at most, and what was printed."""
        with tempfile.TemporaryFile("w+") as output:
            started = time.perf_counter()
            process = self.start(words, stdout=output)
            said = process.stderr.read()
            _, status, usage = os.wait4(process.pid, 0)
            seconds = time.perf_counter() - started
            if status:
                sys.exit(f"{words}: {said}")
            output.seek(0)
            return seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, output.read()

    def least(self, rounds, *words):
        """A row of the table: the least of several rounds, wall and processor each."""
        runs = [self.run(*words) for _ in range(rounds)]
        wall, processor, peak = (min(run[place] for run in runs) for place in range(3))
        return [f"{wall * 1e3:.0f}", f"{processor * 1e3:.0f}", f"{peak:.0f}"]

    def hold(self, but):
        """Claim files as of another machine, for every training but the first so many."""
        stages = json.loads(self.run("status", "--json")[3])
        trainings = [stage["fingerprint"] for stage in stages if stage["stage"] == "train"][but:]
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        for number, fingerprint in enumerate(trainings):
            holder = {"token": str(number), "host": f"node{number}", "boot": "another", "namespace": "pid:[1]",
                      "process": 1, "process_start": 1, "job": f"1_{number}", "since": now}
            shard = self.folder / "cache/leases" / fingerprint[:1]
            shard.mkdir(parents=True, exist_ok=True)
            (shard / f"train-{fingerprint}.1").write_text(json.dumps(holder))
        return len(trainings)


def commands(folder, rounds):
    """Rows: what, cells, wall, processor, memory."""
    rows = []
    filled = Project(folder, "filled", 72)
    filled.run("all", "--jobs", "2")
    for words in [["all"], ["status", "--json"]]:
        rows.append([f"`{' '.join(words)}`, nothing to do", "72", *filled.least(rounds, *words)])
    planned = Project(folder, "planned", 8000)
    rows.append(["`plan`, empty cache", "8,000", *planned.least(rounds, "plan")])
    held = Project(folder, "held", 10000)
    held.run("fetch")
    rows.append(["`plan`, empty cache", "10,000", *held.least(rounds, "plan")])
    leases = held.hold(but=1)
    rows.append([f"`status`, {leases:,} leases", "10,000", *held.least(rounds, "status")])
    seconds, processor, peak, _ = held.run("work", "--quiet")
    rows.append([f"`work`, which finds the one cell of which nobody has a lease", "10,000", f"{seconds * 1e3:.0f}", f"{processor * 1e3:.0f}", f"{peak:.0f}"])
    return rows


def share(folder, workers, seconds, each):
    """Seconds that so many workers need for so many cells each, beyond the time that these take by themselves."""
    cells = -(-workers * each // CELLS) * CELLS
    project = Project(folder, f"workers-{workers}", cells)
    # No cell waits for another's weights here, or the workers would wait and not the pipeline.
    profile = project.folder / "profiles/bench.toml"
    profile.write_text(profile.read_text().replace('kind = "cell"\ncell = "table3/resnet50/random/ce"', 'kind = "random"'))
    project.run("fetch")
    started = time.perf_counter()
    processes = [project.start(["work", "--jobs", "1"], seconds, stdout=subprocess.DEVNULL) for _ in range(workers)]
    said = [process.communicate()[1] for process in processes]
    wall = time.perf_counter() - started
    made = [line.split(": done in")[0] for text in said for line in text.splitlines() if ": done in" in line]
    if any(process.returncode for process in processes) or len(made) != len(set(made)) or len(made) != 2 * cells:
        sys.exit(f"{workers} workers made {len(made)} results, {len(set(made))} of them different:\n{said}")
    rounds = cells / workers
    return [workers, cells, f"{wall:.1f}", f"{rounds * seconds:.0f}", f"{(wall / rounds - seconds):.2f}"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, help="runs of each command")
    parser.add_argument("--workers", type=int, nargs="*", default=[8, 64], help="processes on one cache")
    parser.add_argument("--seconds", type=float, default=5, help="time of a training")
    parser.add_argument("--each", type=int, default=4, help="cells per process")
    parser.add_argument("--write", action="store_true", help="put the tables into bench/README.md")
    options = parser.parse_args()
    machine = readme.describe(readme.machine())
    with tempfile.TemporaryDirectory(prefix="fpl-scale-") as temporary:
        folder = pathlib.Path(temporary)
        build(folder)
        first = commands(folder, options.rounds) if options.rounds else []
        second = [share(folder, workers, options.seconds, options.each) for workers in options.workers]
    text = "\n\n".join([
        machine,
        readme.table(["command", "cells:", "wall ms:", "processor ms:", "MiB:"], first),
        f"`work` processes on one cache, whose cells take {options.seconds:g} s in which nothing is computed:",
        readme.table(["workers:", "cells:", "seconds:", "of which waiting:", "overhead per cell, s:"], second),
    ])
    print(text)
    if options.write:
        readme.replace("scale", text)


if __name__ == "__main__":
    main()
