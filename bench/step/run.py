#!/usr/bin/env python3
"""Times training steps against the fastest that PyTorch offers, with the same networks, losses and recipes, in turns.

    bench/step/run.py --prepare        builds and compiles, which the other runs then find done
    bench/step/run.py [--quick] [--seconds 20] [--only ROW]
    bench/step/run.py --summarize      writes the tables and the plot again, from results.json

PyTorch runs with contiguous tensors, with channels-last tensors, and compiled (torch.compile, inductor) with channels-last
tensors, each with the fastest of its optimizers' implementations (default, foreach, and fused for SGD), which two trial
rounds choose. All programs of a row live side by side and take turns, an epoch of a few steps each, so that whatever
else the machine does falls on all of them. Every row is measured with two threads, and most also as two programs of one
thread at once, since that is how cells are trained side by side.

Writes results.json here, and tables and plot into bench/README.md; with --quick, one round of everything, or with --only,
all of that goes to target/bench/step instead. Needs LIBTORCH, a C++ compiler for torch.compile, and Python 3.11. PYTHON
names a Python with requirements.txt installed; without it a virtual environment is made in target/bench/. What inductor
compiles is kept in target/bench/step/inductor: without --prepare the first run takes some minutes longer.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import time
import tomllib

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(HERE.parent))
import environment
import readme

WORK = ROOT / "target/bench/step"
# What `fpl-repro` sets for its workers (src/run/process.rs).
WORKER = {
    "MALLOC_MMAP_THRESHOLD_": "4294967296",
    "MALLOC_TRIM_THRESHOLD_": "4294967296",
    "GOMP_SPINCOUNT": "1000",
}
# Recipes, networks and losses are pipeline.toml's; a batch smaller than the recipe's and an input size that differs from it
# are said in the table. `pairs`: also measured as two programs of one thread.
ROWS = {
    "resnet18-ce": dict(network="resnet18", loss="ce", recipe="table2", steps=4, test_images=1000, pairs=True),
    "resnet18-fpl": dict(network="resnet18", loss="fpl", recipe="table2", steps=4, test_images=1000),
    "efficientnetv2-s": dict(network="efficientnetv2-s", loss="ce", recipe="table2", steps=2, test_images=512, pairs=True),
    "resnet50": dict(
        network="resnet50", loss="ce", recipe="finetune", batch=32, input_size=32, steps=2, test_images=512, pairs=True
    ),
    "resnet50-224": dict(network="resnet50", loss="ce", recipe="finetune", batch=4, steps=2, test_images=20),
    "resnet50-cifar": dict(
        network="resnet50-cifar", loss="ce", recipe="scratch", batch=16, steps=1, test_images=64, pairs=True
    ),
}
# Rounds are counted in epochs, and no schedule shall end within a benchmark.
EPOCHS = 1_000_000
VARIANTS = ["contiguous", "channels-last", "compiled"]


class Team:
    """One program, or several of one kind that do the same at the same time."""

    def __init__(self, command, environment, count):
        environment = {**os.environ, **environment}
        pipes = dict(stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        command = [str(word) for word in command]
        self.processes = [subprocess.Popen(command, env=environment, **pipes) for _ in range(count)]

    def do(self, *task):
        """Milliseconds per step of one program had it the machine to itself, and the memory of all."""
        for process in self.processes:
            print(*task, file=process.stdin, flush=True)
        lines = [json.loads(process.stdout.readline() or '{"error": "ended"}') for process in self.processes]
        for line in lines:
            if "error" in line:
                return line
        answer = {**lines[0], "ms": max(line["ms"] for line in lines) / len(lines)}
        if "peak_mib" in answer:
            answer["peak_mib"] = sum(line["peak_mib"] for line in lines)
        return answer

    def close(self):
        for process in self.processes:
            process.stdin.close()
            process.wait()


def job_of(row, threads, pipeline):
    recipe = dict(pipeline["recipes"][row["recipe"]])
    recipe |= {"epochs": EPOCHS, "batch_size": row.get("batch", recipe["batch_size"])}
    recipe["input_size"] = row.get("input_size", recipe["input_size"])
    network, loss = pipeline["networks"][row["network"]], pipeline["losses"][row["loss"]]
    rest = {"steps": row["steps"], "threads": threads, "test_images": row["test_images"]}
    return {"network": network, "loss": loss, "recipe": recipe, **rest}


def start(job, name, count, interpreter):
    """The team of one of the VARIANTS, or `ours`."""
    WORK.mkdir(parents=True, exist_ok=True)
    path = WORK / "job.json"
    path.write_text(json.dumps(job))
    if name == "ours":
        return Team([ROOT / "target/release/examples/step", path], WORKER, count)
    inductor = {"TORCHINDUCTOR_CACHE_DIR": str(WORK / "inductor")}
    return Team([interpreter, HERE / "reference.py", path, name], inductor, count)


def settings(names):
    """Every row with the numbers of programs that it is measured with."""
    return [(name, ROWS[name], count) for name in names for count in ([1, 2] if ROWS[name].get("pairs") else [1])]


def prepare(names, pipeline, interpreter):
    """Lets inductor compile all that will be measured; what it makes depends on the threads, too."""
    for name, row, count in settings(names):
        began = time.monotonic()
        team = start(job_of(row, 2 // count, pipeline), "compiled", 1, interpreter)
        answer = team.do("float32", "default")
        team.close()
        done = answer.get("error", f"compiled in {time.monotonic() - began:.0f} s")
        print(f"{name}, {2 // count} threads: {done}", file=sys.stderr)


def checked(answer):
    if "error" in answer:
        sys.exit(f"a program of the benchmark failed: {answer['error']}")
    return answer


def choose_optimizers(teams, modes, failures):
    """The fastest implementation of the optimizer for each variant, with the memory that it needs; warms all up."""
    chosen = {}
    for name in VARIANTS:
        trials = {}
        for mode in modes:
            warm = teams[name].do("float32", mode)
            if "error" in warm:
                failures[name] = warm["error"]
                break
            trials[mode] = teams[name].do("float32", mode)
        if name not in failures:
            best = min(trials, key=lambda mode: checked(trials[mode])["ms"])
            # Memory only grows, so it is that of the modes up to the chosen one.
            ms = {mode: trial["ms"] for mode, trial in trials.items()}
            chosen[name] = {"optimizer": best, "peak_mib": trials[best]["peak_mib"], "trial_ms": ms}
    return chosen


def columns_of(chosen, ours_peak):
    """What takes turns: its name, its program, its task, and what is known of it."""
    float32 = [(name, name, ("float32", known["optimizer"]), known) for name, known in chosen.items()]
    layout = chosen["channels-last"]["optimizer"]
    return float32 + [
        ("bfloat16", "channels-last", ("bfloat16", layout), {"optimizer": layout}),
        ("ours", "ours", ("float32",), {"peak_mib": ours_peak}),
        ("ours-bfloat16", "ours", ("bfloat16",), {}),
    ]


def rounds_of(teams, columns, seconds, least):
    """Every column's milliseconds per step, round by round, for so many seconds."""
    for _, team, task, _ in columns:
        checked(teams[team].do(*task))
    times, started, turn = {column[0]: [] for column in columns}, time.monotonic(), 0
    while turn < least or time.monotonic() - started < seconds:
        for name, team, task, _ in columns if turn % 2 == 0 else reversed(columns):
            times[name].append(checked(teams[team].do(*task))["ms"])
        turn += 1
    return times


def measure(row, count, pipeline, interpreter, options):
    """One row with two threads (`count` 1) or as two programs (`count` 2)."""
    job = job_of(row, 2 // count, pipeline)
    teams, failures = {name: start(job, name, count, interpreter) for name in [*VARIANTS, "ours"]}, {}
    modes = ["default"] + ["fused"] * (job["recipe"]["optimizer"]["kind"] == "sgd") + ["foreach"]
    chosen = choose_optimizers(teams, modes, failures)
    for _ in range(2):
        ours = checked(teams["ours"].do("float32"))
    columns = columns_of(chosen, ours["peak_mib"])
    least = 1 if options.quick else 3
    times = rounds_of(teams, columns, 0 if options.quick else options.seconds, least)
    result = {
        "programs": count,
        "batch": job["recipe"]["batch_size"],
        "input_size": job["recipe"]["input_size"],
        "recipe_batch": pipeline["recipes"][row["recipe"]]["batch_size"],
        "recipe_input_size": pipeline["recipes"][row["recipe"]]["input_size"],
        "failures": failures,
        "columns": {name: {**known, "ms": times[name]} for name, _, _, known in columns},
    }
    if count == 1:
        result["breakdown"] = [checked(teams["ours"].do("breakdown")) for _ in range(least)]
        result["evaluation"] = {name: [] for name in ["contiguous", "channels-last", "ours"]}
        for _ in range(least):
            for name, found in result["evaluation"].items():
                task = ["evaluate"] if name == "ours" else ["evaluate", "default"]
                found.append(checked(teams[name].do(*task))["ms"])
    for team in teams.values():
        team.close()
    return result


def run(names, place, pipeline, interpreter, options):
    """Measures, writes results.json after every row, and prints the row."""
    results = {"machine": readme.machine(), "rows": []}
    place.mkdir(parents=True, exist_ok=True)
    for name, row, count in settings(names):
        began = time.monotonic()
        measured = measure(row, count, pipeline, interpreter, options)
        kept = {key: row[key] for key in ["network", "loss", "recipe", "steps", "test_images"]}
        results["rows"].append({"name": name, **kept, **measured})
        (place / "results.json").write_text(json.dumps(results, indent=1) + "\n")
        print(f"{name}, programs: {count}, {time.monotonic() - began:.0f} s", file=sys.stderr)
        subprocess.run([interpreter, HERE / "summarize.py", place / "results.json", "--last"], check=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--prepare", action="store_true")
    parser.add_argument("--quick", action="store_true", help="one round of everything")
    parser.add_argument("--seconds", type=float, default=20, help="of rounds, for every row and setting; at least 3 rounds")
    parser.add_argument("--only", choices=ROWS, action="append", help="this row; may be given several times")
    parser.add_argument("--summarize", action="store_true")
    options = parser.parse_args()
    interpreter = os.environ.get("PYTHON") or str(environment.folder("step") / "python")
    pipeline = tomllib.loads((ROOT / "pipeline.toml").read_text())
    place = WORK if options.quick or options.only else HERE
    if not options.summarize:
        build = ["cargo", "build", "--release", "--quiet", "-p", "fpl-repro-worker", "--example", "step"]
        subprocess.run(build, cwd=ROOT, check=True)
    if options.prepare:
        return prepare(options.only or ROWS, pipeline, interpreter)
    if not options.summarize:
        run(options.only or ROWS, place, pipeline, interpreter, options)
    subprocess.run([interpreter, HERE / "summarize.py", place / "results.json"], check=True)


if __name__ == "__main__":
    main()
