#!/usr/bin/env python3
"""Times `fpl-repro fetch` of a local CIFAR-10 archive with a fresh cache each time, and its peak memory.

    bench/fetch/run.py ARCHIVE [--rounds 3]

ARCHIVE is cifar-10-binary.tar.gz, or the same images in another order.
"""

import argparse
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


def fetch(archive, cache):
    """Wall and processor seconds, and peak memory in MiB, of one run."""
    program = ROOT / "target/release/fpl-repro"
    command = [program, "fetch", "-q", "--config", ROOT / "pipeline.toml", "--cache-dir", cache, "--offline"]
    # Without weights files: the cells that start from ImageNet are not selected.
    command += ["--cells", "table2/*", "--set", f"datasets.cifar10.source.archive={archive}"]
    started = time.perf_counter()
    process = subprocess.Popen([str(word) for word in command])
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - started
    if status:
        sys.exit("fetch failed")
    return wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("archive", type=pathlib.Path)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    subprocess.run(["cargo", "build", "--release", "--quiet"], cwd=ROOT, check=True)
    runs = []
    for _ in range(options.rounds):
        with tempfile.TemporaryDirectory(prefix="fpl-fetch-") as cache:
            runs.append(fetch(options.archive.resolve(), cache))
    wall, cpu, peak = (statistics.median(values) for values in zip(*runs))
    size = options.archive.stat().st_size / 2**20
    print("| archive MiB | runs | median s | CPU s | peak MiB |\n|--:|--:|--:|--:|--:|")
    print(f"| {size:.0f} | {len(runs)} | {wall:.1f} | {cpu:.1f} | {peak:.0f} |")


main()
