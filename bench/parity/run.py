#!/usr/bin/env python3
"""Trains ResNet-18 with FPL on real images, in our program and in plain PyTorch, from the same initial weights and draws.

    bench/parity/run.py ARCHIVE [--only table2|still|double|scratch] [--seeds 0,1,2,3,4]
    bench/parity/run.py --summarize        draws the plot and prints the table again, from the CSV files

ARCHIVE is CIFAR-10's cifar-10-binary.tar.gz. Four settings, all reduced (see README.md). PyTorch trains a second time
with channels-last tensors: the same mathematics in another order of operations, so that the distance of its two runs
shows what rounding does. Writes SETTING.csv and SETTING-top1.csv here; working files go to target/bench/parity.
Needs LIBTORCH. PYTHON names a Python with requirements.txt installed; without it a virtual environment is made.
"""

import argparse
import csv
import json
import os
import pathlib
import subprocess
import sys
import tarfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(HERE.parent))
import environment

WORK = ROOT / "target/bench/parity"
RECORD = 3073
TRAIN, TEST = 2000, 2000

FPL = {
    "kind": "fpl",
    "true_term": {"kind": "log"},
    "false_term": {"kind": "log"},
    "false_classes": 1,
    "aggregate": "sum",
    "alpha": {"kind": "dataset"},
}
SETTINGS = {
    # Table 2 as in pipeline.toml, but for the epochs and images.
    "table2": {
        "epochs": 5,
        "batch_size": 64,
        "optimizer": {"kind": "adadelta", "lr": 0.001, "rho": 0.9, "eps": 1e-6, "weight_decay": 0.0},
        "schedule": {"kind": "cosine"},
        "initializer": "torchvision",
        "augmentation": {"crop_padding": 0, "border": "black", "flip": 0.0},
        "normalization": {"mean": [125.307, 122.9505, 113.865], "std": [62.993, 62.089, 66.705]},
        "input_size": 32,
    },
    # Weights that hardly move, so that rounding is not amplified and every crop and flip of every epoch shows.
    "still": {
        "epochs": 3,
        "batch_size": 64,
        "optimizer": {"kind": "sgd", "lr": 1e-12, "momentum": 0.9, "weight_decay": 1e-4, "nesterov": False},
        "schedule": {"kind": "multi-step", "milestones": [2], "gamma": 0.1},
        "initializer": "torchvision",
        "augmentation": {"crop_padding": 4, "border": "black", "flip": 0.5},
        "normalization": {"mean": [125.307, 122.961, 113.8575], "std": [51.5865, 50.847, 51.255]},
        "input_size": 32,
    },
    # At a tenth of Table 3's rate: it learns more than Table 2's, and is chaotic, so distributions are compared.
    "scratch": {
        "epochs": 8,
        "batch_size": 64,
        "optimizer": {"kind": "sgd", "lr": 0.01, "momentum": 0.9, "weight_decay": 1e-4, "nesterov": False},
        "schedule": {"kind": "multi-step", "milestones": [4, 6], "gamma": 0.1},
        "initializer": "torchvision",
        "augmentation": {"crop_padding": 4, "border": "black", "flip": 0.5},
        "normalization": {"mean": [125.307, 122.961, 113.8575], "std": [51.5865, 50.847, 51.255]},
        "input_size": 32,
    },
}
# As `scratch`, but in float64, so that rounding has no part in the first epochs.
SHORT = {"epochs": 3, "schedule": {"kind": "multi-step", "milestones": [1, 2], "gamma": 0.1}}
SETTINGS["double"] = SETTINGS["scratch"] | SHORT


def write_data(archive, folder):
    """The first images of the archive's first training file and of its test file."""
    folder.mkdir(parents=True, exist_ok=True)
    with tarfile.open(archive) as tar:
        for member in tar:
            name = pathlib.PurePath(member.name).name
            wanted = {"data_batch_1.bin": ("train.bin", TRAIN), "test_batch.bin": ("test.bin", TEST)}
            if name in wanted:
                target, count = wanted[name]
                (folder / target).write_bytes(tar.extractfile(member).read(count * RECORD))


def train(setting, seed, folder, interpreter):
    job = {
        "network": {"architecture": "resnet18", "stem": "imagenet"},
        "loss": FPL,
        "recipe": SETTINGS[setting],
        "seed": seed,
        "double": setting == "double",
    }
    (folder / "job.json").write_text(json.dumps(job))
    subprocess.run([ROOT / "target/release/examples/parity", folder], check=True)
    runs = {"ours": json.loads((folder / "ours.json").read_text())}
    for name, layout in [("pytorch", []), ("pytorch_channels_last", ["nhwc"])]:
        command = [interpreter, HERE / "reference.py", folder, *layout]
        runs[name] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return runs


def write(path, runs, key):
    programs = ["ours", "pytorch", "pytorch_channels_last"]
    with path.open("w", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(["seed", "step" if key == "losses" else "epoch", *programs])
        for seed, by_program in runs.items():
            for index, values in enumerate(zip(*(by_program[name][key] for name in programs))):
                rows.writerow([seed, index + 1, *values])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("archive", nargs="?")
    parser.add_argument("--only", choices=SETTINGS)
    parser.add_argument("--seeds", default="0,1,2,3,4")
    parser.add_argument("--summarize", action="store_true")
    options = parser.parse_args()
    interpreter = os.environ.get("PYTHON") or str(environment.folder("parity") / "python")
    if not options.summarize:
        if not options.archive:
            parser.error("name CIFAR-10's archive")
        build = ["cargo", "build", "--release", "--quiet", "--workspace", "--example", "parity"]
        subprocess.run(build, cwd=ROOT, check=True)
        write_data(options.archive, WORK)
        for setting in [options.only] if options.only else SETTINGS:
            runs = {}
            # In float64 runs are slow, and one tells enough.
            seeds = options.seeds if setting != "double" else options.seeds.split(",")[0]
            for seed in map(int, seeds.split(",")):
                runs[seed] = train(setting, seed, WORK, interpreter)
                print(setting, seed, {name: run["top1_pct"][-1] for name, run in runs[seed].items()}, flush=True)
                write(HERE / f"{setting}.csv", runs, "losses")
                write(HERE / f"{setting}-top1.csv", runs, "top1_pct")
    subprocess.run([interpreter, HERE / "summarize.py"], check=True)


main()
