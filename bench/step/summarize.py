"""Tables and plot of results.json.

    summarize.py RESULTS [--last]       prints the tables; --last only the row that was measured last, as a line

RESULTS beside this script goes into bench/README.md, with the plot ratios.svg here; any other leaves both alone, and its
plot lies beside it.
"""

import json
import pathlib
import statistics
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
import readme

FLOAT32 = {"contiguous": "contiguous", "channels-last": "channels-last", "compiled": "compiled, channels-last"}
PHASES = ["data", "forward", "loss", "backward", "optimizer", "rest"]
LOSSES = {"ce": "CE", "fpl": "FPL"}


def median(row, name):
    return statistics.median(row["columns"][name]["ms"])


def peer_of(row):
    """The fastest float32 variant of PyTorch."""
    return min((name for name in FLOAT32 if name in row["columns"]), key=lambda name: median(row, name))


def ratios(row, name, to):
    """Round by round."""
    pairs = zip(row["columns"][name]["ms"], row["columns"][to]["ms"])
    return [ours / theirs for ours, theirs in pairs]


def spread(values):
    return f"{statistics.median(values):.2f} ({min(values):.2f}–{max(values):.2f})"


def of_recipe(row, key):
    """A number, and the recipe's where that is another."""
    recipe = row[f"recipe_{key}"]
    return str(row[key]) if row[key] == recipe else f"{row[key]} (of {recipe})"


def title(row):
    return f"{row['network']}, {LOSSES[row['loss']]}"


def setting(row):
    return "two threads" if row["programs"] == 1 else "two programs, one thread each"


STEPS = [
    *["network, loss", "pixels:", "batch:", "on two cores", "contiguous:", "channels-last:", "compiled:", "ours:"],
    *["ours / fastest:", "rounds:", "PyTorch bf16:", "ours bf16:", "MiB, PyTorch:", "MiB, ours:"],
]


def steps_line(row):
    peer, columns = peer_of(row), row["columns"]

    def milliseconds(name):
        if name not in columns:
            return "failed"
        mode = columns[name].get("optimizer", "default")
        text = f"{median(row, name):.0f}" + (f" {mode}" if mode != "default" else "")
        return f"**{text}**" if name == peer else text

    return [
        *[title(row), of_recipe(row, "input_size"), of_recipe(row, "batch"), setting(row)],
        *[milliseconds(name) for name in [*FLOAT32, "ours"]],
        spread(ratios(row, "ours", peer)),
        len(columns["ours"]["ms"]),
        *[milliseconds("bfloat16"), milliseconds("ours-bfloat16")],
        *[f"{columns[name]['peak_mib']:.0f}" for name in [peer, "ours"]],
    ]


def evaluation_line(row):
    """Seconds per 2,000 images."""
    seconds = lambda name: 2 * statistics.median(row["evaluation"][name])
    theirs = {name: seconds(name) for name in ["contiguous", "channels-last"]}
    peer = min(theirs, key=theirs.get)
    pairs = zip(row["evaluation"]["ours"], row["evaluation"][peer])
    ratio = spread([ours / other for ours, other in pairs])
    return [row["network"], row["input_size"], row["test_images"], *[f"{value:.2f}" for value in theirs.values()],
            f"{seconds('ours'):.2f}", ratio]  # fmt: skip


def breakdown_line(row):
    """Shares of all breakdown epochs together."""
    total = sum(epoch["ms"] for epoch in row["breakdown"])
    spent = [sum(epoch["phases"][phase] for epoch in row["breakdown"]) for phase in PHASES]
    step = total / len(row["breakdown"])
    return [title(row), row["input_size"], f"{step:.0f}", *[f"{100 * value / total:.1f} %" for value in spent]]


def text(results, plot):
    rows = results["rows"]
    single = [row for row in rows if row["programs"] == 1]
    nets = {(row["network"], row["input_size"]): row for row in single}.values()
    failed = {f"{title(row)}: {name}: {why}" for row in rows for name, why in row["failures"].items()}
    parts = [
        readme.describe(results["machine"]),
        "Milliseconds per step, medians; bold is the fastest float32 of PyTorch, the ratio's other side: the median of the\n"
        "rounds' ratios, and in parentheses the least and the greatest. *foreach* or *fused* where that implementation of\n"
        "the optimizer was the faster one. Two programs: the time of both at once, divided by two. Memory is the peak of\n"
        "the float32 steps, of both programs if there are two. PyTorch's includes Python, and the compiler if it is compiled.",
        readme.table(STEPS, [steps_line(row) for row in rows]),
        *[f"Failed: {line}" for line in sorted(failed)],
        f"![Ours to PyTorch's fastest, every row]({plot})",
        "Evaluation, two threads, seconds per 2,000 images (measured on so many, in batches as the program takes them):",
        readme.table(
            ["network", "pixels:", "images:", "contiguous:", "channels-last:", "ours:", "ours / faster:"],
            [evaluation_line(row) for row in nets],
        ),
        "Where our step's time goes, two threads, float32:",
        readme.table(
            ["network, loss", "pixels:", "ms:", *[f"{phase}:" for phase in PHASES]],
            [breakdown_line(row) for row in single],
        ),
    ]
    return "\n\n".join(parts)


def draw(results, path):
    """The ratio of every row, least to greatest as a line, the median as a dot."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "fpl-repro", "font.size": 9})
    from matplotlib import pyplot

    rows = list(reversed(results["rows"]))
    figure, axes = pyplot.subplots(figsize=(7, 0.9 + 0.3 * len(rows)), layout="constrained")
    for place, row in enumerate(rows):
        values = ratios(row, "ours", peer_of(row))
        color, marker = ("#0072b2", "o") if row["programs"] == 1 else ("#d55e00", "^")
        axes.plot([min(values), max(values)], [place, place], color=color)
        axes.plot(statistics.median(values), place, marker, color=color)
    axes.axvline(1, color="grey", linewidth=1)
    labels = [f"{title(row)}, {row['input_size']} px, {setting(row)}" for row in rows]
    axes.set_yticks(range(len(rows)), labels)
    axes.set_xlim(left=0)
    axes.set_xlabel("time of a step, ours / fastest float32 PyTorch")
    figure.savefig(path, metadata={"Date": None})


def main():
    path = pathlib.Path(sys.argv[1]).resolve()
    results = json.loads(path.read_text())
    if "--last" in sys.argv:
        print(" | ".join(str(cell) for cell in steps_line(results["rows"][-1])), flush=True)
        return
    draw(results, path.with_name("ratios.svg"))
    published = path.parent == HERE
    tables = text(results, "step/ratios.svg" if published else "ratios.svg")
    print(tables)
    if published:
        readme.replace("step", tables)


main()
