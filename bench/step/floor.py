#!/usr/bin/env python3
"""How fast a step of bench/step could be at most: its floating-point operations at the rate of a large matrix product.

    bench/step/floor.py

PyTorch counts the operations of the forward pass (torch.utils.flop_counter), convolutions as they are defined, with the
border of small maps, and the backward pass counts twice as much; and multiplies matrices of 512 to 4096 rows, of which
the fastest is the peak. Writes a table into bench/README.md from the times in results.json, which `bench/step/run.py`
left: run both on the same quiet machine. Needs requirements.txt.
"""

import json
import pathlib
import statistics
import sys
import time

import torch
from torch.utils.flop_counter import FlopCounterMode

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE)]
import readme
import reference
import run


def flops(row):
    """Of a step: of an image's forward and backward pass, times the batch.

    A backward pass takes a product for the inputs and one for the weights, each as large as the forward pass. The counter's
    own count of it takes no account of groups: a depthwise convolution would weigh as much as a full one.
    """
    net = reference.build(**row["spec"])
    images = torch.zeros(2, 3, row["input_size"], row["input_size"])
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        net(images)
    return 3 * counter.get_total_flops() / 2 * row["batch"]


def peak(threads):
    """Operations per second of the fastest matrix product in float32."""
    torch.set_num_threads(threads)
    rates = []
    for size in [512, 1024, 2048, 4096]:
        a, b = torch.randn(2, size, size)
        for _ in range(10):
            started = time.perf_counter()
            torch.mm(a, b)
            rates.append(2 * size**3 / (time.perf_counter() - started))
    return max(rates)


def main():
    results = json.loads((HERE / "results.json").read_text())
    pipeline = run.tomllib.loads((run.ROOT / "pipeline.toml").read_text())
    best = peak(2)
    lines = []
    # Two programs of one thread have the same floor per step: they share the cores.
    for row in results["rows"]:
        row["spec"] = pipeline["networks"][row["network"]]
        floor = 1000 * flops(row) / best
        times = {name: statistics.median(column["ms"]) for name, column in row["columns"].items() if column.get("ms")}
        theirs = min(times[name] for name in run.VARIANTS if name in times)
        programs = "two programs" if row["programs"] == 2 else "two threads"
        shares = [f"{100 * floor / time:.0f} %" for time in (theirs, times["ours"])]
        name = f"{row['network']}, {row['loss'].upper()}, batch {row['batch']}, {row['input_size']} pixels"
        lines.append([name, programs, f"{floor * best / 1e12:.1f}", f"{floor:.0f}", *shares])
    head = ["step", "on two cores", "GFLOP:", "ms at the peak:", "PyTorch's fastest reaches:", "ours reaches:"]
    text = f"The peak was {best / 1e9:.0f} GFLOP/s, two threads.\n\n{readme.table(head, lines)}"
    readme.replace("floor", text)
    print(text)


if __name__ == "__main__":
    main()
