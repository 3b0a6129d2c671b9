#!/usr/bin/env python3
"""Times Table 2, shortened (bench.toml), as a user runs it: `fpl-repro all` against a PyTorch script, start to end.

    bench/matrix/run.py [--quick] [--rounds 2]

Once cell after cell with two threads, and once two cells at a time with one thread each; every run of ours has a fresh
cache and ends with the report. PyTorch has of each network the layout and the optimizer's implementation that were the
fastest in bench/step/results.json, and channels-last where that is not there; compiling would take longer than these
trainings. Writes results.json here and the table into bench/README.md; --quick, one round of ResNet-18, only prints it.
Needs LIBTORCH and Python 3.11; PYTHON as for bench/step/run.py.
"""

import argparse
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import tomllib

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(HERE.parent))
import environment
import readme

# The longest first, which is best for two at a time.
CELLS = [(network, loss) for network in ["efficientnetv2-s", "resnet18"] for loss in ["fpl", "ce"]]
SETTINGS = {1: "one cell after the other, two threads", 2: "two cells at a time, one thread each"}


def timed(command, folder):
    """Seconds, and the most memory in MiB that one process of the command has held."""
    log = folder / "log.txt"
    started = time.perf_counter()
    with log.open("w") as file:
        process = subprocess.Popen([str(word) for word in command], cwd=folder, stdout=file, stderr=file)
        _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - started
    if status:
        sys.exit(f"{command} failed:\n{log.read_text()}")
    return seconds, usage.ru_maxrss / 1024


def prepare(folder):
    """A folder in which `fpl-repro` runs the shortened Table 2."""
    (folder / "profiles").mkdir()
    for name in ["pipeline.toml", "paper.toml"]:
        shutil.copy(ROOT / name, folder)
    shutil.copy(HERE / "bench.toml", folder / "profiles")


def ours(folder, jobs, cells):
    shutil.rmtree(folder / "cache", ignore_errors=True)
    command = [ROOT / "target/release/fpl-repro", "all", "--profile", "bench", "--device", "cpu", "--jobs", jobs]
    for network, loss in cells:
        command += ["--cells", f"table2/{network}/random/{loss}"]
    return timed(command, folder)


def fastest(network, jobs):
    """The layout and the optimizer's implementation that bench/step found to be the fastest without compiling."""
    path = HERE.parent / "step/results.json"
    rows = json.loads(path.read_text())["rows"] if path.exists() else []
    for row in rows:
        if row["network"] == network and row["programs"] == jobs:
            eager = {name: row["columns"][name] for name in ["contiguous", "channels-last"]}
            best = min(eager, key=lambda name: statistics.median(eager[name]["ms"]))
            return best, eager[best]["optimizer"]
    return "channels-last", "default"


def pytorch(folder, jobs, cells, data, interpreter):
    pipeline = tomllib.loads((ROOT / "pipeline.toml").read_text())
    profile = tomllib.loads((HERE / "bench.toml").read_text())
    recipe = pipeline["recipes"]["table2"] | profile["recipes"]["table2"]
    described = []
    for network, loss in cells:
        variant, optimizer = fastest(network, jobs)
        described.append({
            "name": f"{network} {loss}",
            "network": pipeline["networks"][network],
            "loss": pipeline["losses"][loss],
            "recipe": recipe,
            "variant": variant,
            "optimizer": optimizer,
            "threads": 2 // jobs,
            "data": str(data),
            "out": str(folder / f"{network}-{loss}.pt"),
        })  # fmt: skip
    path = folder / "job.json"
    path.write_text(json.dumps({"jobs": jobs, "cells": described}))
    return timed([interpreter, HERE / "table2.py", path], folder)


def text(results):
    lines = []
    for jobs, name in SETTINGS.items():
        runs = results["runs"][str(jobs)]
        ratios = [ours / theirs for (ours, _), (theirs, _) in zip(runs["ours"], runs["pytorch"])]
        seconds = {who: statistics.median(run[0] for run in runs[who]) for who in runs}
        peaks = {who: max(run[1] for run in runs[who]) for who in runs}
        ratio = f"{statistics.median(ratios):.2f} ({min(ratios):.2f}–{max(ratios):.2f})"
        lines.append([name, f"{seconds['pytorch']:.1f}", f"{seconds['ours']:.1f}", ratio, len(ratios),
                      f"{peaks['pytorch']:.0f}", f"{peaks['ours']:.0f}"])  # fmt: skip
    head = ["Table 2, shortened", "PyTorch s:", "ours s:", "ratio:", "rounds:", "MiB, PyTorch:", "MiB, ours:"]
    note = "Medians; the ratio with its least and greatest. Memory is the peak of the largest process."
    return "\n\n".join([readme.describe(results["machine"]), note, readme.table(head, lines)])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    rounds, cells = (1, CELLS[2:]) if options.quick else (options.rounds, CELLS)
    interpreter = os.environ.get("PYTHON") or str(environment.folder("step") / "python")
    subprocess.run(["cargo", "build", "--release", "--workspace", "--quiet"], cwd=ROOT, check=True)
    results = {"machine": readme.machine(), "runs": {str(jobs): {"ours": [], "pytorch": []} for jobs in SETTINGS}}
    with tempfile.TemporaryDirectory(prefix="fpl-matrix-") as temporary:
        folder = pathlib.Path(temporary)
        prepare(folder)
        fetch = ["fetch", "--profile", "bench", "--cells", "table2/*", "--cache-dir", folder / "data"]
        timed([ROOT / "target/release/fpl-repro", *fetch], folder)
        data = next((folder / "data").glob("*/*/train.bin")).parent
        for turn in range(rounds):
            for jobs in SETTINGS:
                runs = results["runs"][str(jobs)]
                turns = [("ours", lambda: ours(folder, jobs, cells)),
                         ("pytorch", lambda: pytorch(folder, jobs, cells, data, interpreter))]  # fmt: skip
                for who, run in turns if turn % 2 == 0 else reversed(turns):
                    runs[who].append(run())
                    print(f"{SETTINGS[jobs]}: {who} {runs[who][-1][0]:.1f} s", file=sys.stderr)
    print(text(results))
    if not options.quick:
        (HERE / "results.json").write_text(json.dumps(results, indent=1) + "\n")
        readme.replace("matrix", text(results))


main()
