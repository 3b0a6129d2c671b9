"""Draws parity.svg from the CSV files beside it and prints README.md's table."""

import csv
import itertools
import pathlib
import statistics

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt
from scipy import stats

HERE = pathlib.Path(__file__).resolve().parent
TITLES = {
    "table2": "Table 2's recipe: AdaDelta 0.001, no augmentation",
    "still": "SGD 1e-12, crops and flips: the weights stand still",
    "scratch": "SGD 0.01 with momentum, crops and flips",
}
OURS, THEIRS, FLOOR = "#D55E00", "#0072B2", "#767676"
plt.rcParams.update({"svg.hashsalt": "parity", "svg.fonttype": "none", "font.size": 9})


def read(name):
    with (HERE / f"{name}.csv").open() as file:
        rows = [{key: float(value) for key, value in row.items()} for row in csv.DictReader(file)]
    return {int(seed): list(group) for seed, group in itertools.groupby(rows, lambda row: row["seed"])}


def drift(rows, program):
    return [abs(row[program] / row["pytorch"] - 1) for row in rows]


def sign_flip(differences):
    """The exact two-sided p value of a mean of 0 under all changes of signs."""
    observed = abs(sum(differences))
    sums = [abs(sum(s * d for s, d in zip(signs, differences))) for signs in itertools.product([1, -1], repeat=len(differences))]
    return sum(s >= observed - 1e-12 for s in sums) / len(sums)


def draw(axes, setting, losses, accuracies):
    curve, distance, scatter = axes
    steps = range(1, len(losses[0]) + 1)
    curve.plot(steps, [row["pytorch"] for row in losses[0]], color=THEIRS, label="PyTorch", linewidth=2.5)
    curve.plot(steps, [row["ours"] for row in losses[0]], color=OURS, label="fpl-repro", linewidth=0.9)
    curve.set(xlabel="step", ylabel="training loss (FPL), seed 0", title=TITLES[setting])
    curve.legend(frameon=False)
    for program, color, label in [
        ("pytorch_channels_last", FLOOR, "PyTorch and PyTorch channels-last, each seed"),
        ("ours", OURS, "fpl-repro and PyTorch, each seed"),
    ]:
        for seed, rows in losses.items():
            distance.semilogy(steps, drift(rows, program), color=color, linewidth=0.7, label=None if seed else label)
    distance.set(xlabel="step", ylabel="relative distance of the losses", ylim=(1e-8, 1))
    distance.legend(frameon=False, loc="lower right" if setting == "scratch" else "upper right")
    ours = [rows[-1]["ours"] for rows in accuracies.values()]
    theirs = [rows[-1]["pytorch"] for rows in accuracies.values()]
    low, high = min(ours + theirs) - 1, max(ours + theirs) + 1
    scatter.plot([low, high], [low, high], color=FLOOR, linewidth=1)
    scatter.scatter(theirs, ours, color=OURS, marker="^")
    scatter.set(xlabel="top-1 of PyTorch (%)", ylabel="top-1 of fpl-repro (%)", title="one point per seed")
    scatter.set_aspect("equal")


def row(setting, losses, accuracies):
    worst = lambda program, steps: max(max(drift(rows[:steps], program)) for rows in losses.values())
    ours = [rows[-1]["ours"] for rows in accuracies.values()]
    theirs = [rows[-1]["pytorch"] for rows in accuracies.values()]
    spread = lambda values: f"{statistics.mean(values):.2f} ± {statistics.stdev(values):.2f}"
    differences = [a - b for a, b in zip(ours, theirs)]
    return [
        setting,
        *(f"{worst('ours', steps):.0e} ({worst('pytorch_channels_last', steps):.0e})" for steps in [1, 5, None]),
        spread(ours),
        spread(theirs),
        f"{statistics.mean(differences):+.2f} ± {statistics.stdev(differences):.2f}",
        f"{sign_flip(differences):.2f}",
        f"{stats.mannwhitneyu(ours, theirs, method='exact').pvalue:.2f}",
    ]


def main():
    figure, axes = plt.subplots(len(TITLES), 3, figsize=(13, 10.5), layout="constrained", width_ratios=[1.3, 1.3, 1])
    head = "setting | first step | first 5 steps | all steps | fpl-repro | PyTorch | difference | sign-flip p | Mann–Whitney p"
    print(f"| {head} |\n|---{'|--:' * head.count('|')}|")
    for row_of_axes, setting in zip(axes, TITLES):
        losses, accuracies = read(setting), read(f"{setting}-top1")
        draw(row_of_axes, setting, losses, accuracies)
        print("| " + " | ".join(row(setting, losses, accuracies)) + " |")
    for program, name in [("ours", "fpl-repro"), ("pytorch_channels_last", "PyTorch channels-last")]:
        distances = [max(drift(rows, program)) for rows in read("double").values()]
        print(f"double: {name} within {max(distances):.0e} of PyTorch in all steps of {len(distances)} seed(s)")
    figure.savefig(HERE / "parity.svg", metadata={"Date": None})


main()
