#!/usr/bin/env python3
"""Times `fpl-repro all` when there is nothing to do, against `dvc repro` and `snakemake` on a pipeline of the same shape.

    bench/noop/run.py [--rounds 10] [--others 3] [--keep FOLDER]

Needs LIBTORCH. Makes a virtual environment with bench/noop/requirements.txt in target/bench/, fills a cache with the
paper's 8 cells x 5 seeds at a tiny protocol (bench.toml; a minute or two), runs the two others' pipelines once, and then
times them in turns. Ends with 1 if ours is not at least 50 times as fast as `dvc repro`.
"""

import argparse
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(HERE.parent))
import environment

CELLS = [f"cell{number}_seed{seed}" for number in range(8) for seed in range(5)]
# No reports to the authors, and no looking for news.
QUIET = {"DVC_NO_ANALYTICS": "1", "CI": "true"}


def dvc_yaml():
    """One fetch, 40 train, 40 evaluate, plot and report, with parameters as dependencies."""

    def stage(name, command, deps, outs, params=()):
        lines = [f"  {name}:", f"    cmd: {command}"]
        for key, values in [("deps", deps), ("params", params), ("outs", outs)]:
            if values:
                lines += [f"    {key}:"] + [f"    - {value}" for value in values]
        return lines

    lines = ["stages:", *stage("fetch", "echo data > data", [], ["data"])]
    for cell in CELLS:
        weights, scores = f"{cell}.weights", f"{cell}.scores"
        lines += stage(f"train_{cell}", f"cat data > {weights}", ["data"], [weights], [f"{cell}.seed"])
        lines += stage(f"evaluate_{cell}", f"cat data {weights} > {scores}", ["data", weights], [scores])
    scores = [f"{cell}.scores" for cell in CELLS]
    lines += stage("plot", "cat *.scores > plot", scores, ["plot"])
    lines += stage("report", "cat plot *.scores > report", ["plot", *scores], ["report"])
    return "\n".join(lines) + "\n"


SNAKEFILE = """
CELLS = {cells}
rule all:
    input: "report"
rule fetch:
    output: "data"
    shell: "echo data > {{output}}"
rule train:
    input: "data"
    output: "{{cell}}.weights"
    params: seed = lambda wildcards: wildcards.cell[-1]
    shell: "cat {{input}} > {{output}}"
rule evaluate:
    input: "data", "{{cell}}.weights"
    output: "{{cell}}.scores"
    shell: "cat {{input}} > {{output}}"
rule plot:
    input: expand("{{cell}}.scores", cell=CELLS)
    output: "plot"
    shell: "cat {{input}} > {{output}}"
rule report:
    input: "plot", expand("{{cell}}.scores", cell=CELLS)
    output: "report"
    shell: "cat {{input}} > {{output}}"
"""


def run(command, folder):
    """Seconds and what was said."""
    started = time.perf_counter()
    done = subprocess.run(
        [str(word) for word in command], cwd=folder, env={**os.environ, **QUIET}, capture_output=True, text=True
    )
    seconds = time.perf_counter() - started
    if done.returncode != 0:
        sys.exit(f"{command} failed:\n{done.stdout}{done.stderr}")
    return seconds, done.stdout + done.stderr


def prepare(folder, bin):
    """The three pipelines, each run once; the command of each, its folder, and what it says when nothing is to do."""
    subprocess.run(["cargo", "build", "--release", "--workspace", "--quiet"], cwd=ROOT, check=True)
    ours, dvc, snakemake = (folder / name for name in ["ours", "dvc", "snakemake"])
    (ours / "profiles").mkdir(parents=True, exist_ok=True)
    shutil.copy(ROOT / "pipeline.toml", ours)
    shutil.copy(ROOT / "paper.toml", ours)
    shutil.copy(HERE / "bench.toml", ours / "profiles")
    for other in [dvc, snakemake]:
        other.mkdir(exist_ok=True)
    (dvc / "dvc.yaml").write_text(dvc_yaml())
    (dvc / "params.yaml").write_text("".join(f"{cell}:\n  seed: {cell[-1]}\n" for cell in CELLS))
    (snakemake / "Snakefile").write_text(SNAKEFILE.format(cells=CELLS))
    if not (dvc / ".dvc").exists():
        run([bin / "dvc", "init", "--no-scm", "-q"], dvc)
    program = ROOT / "target/release/fpl-repro"
    commands = {
        "fpl-repro all": ([program, "all", "--profile", "bench", "--device", "cpu"], ours, "train 40 cached"),
        "dvc repro": ([bin / "dvc", "repro"], dvc, "Data and pipelines are up to date"),
        "snakemake": ([bin / "snakemake", "--cores", "2"], snakemake, "Nothing to be done"),
    }
    for name, (command, where, said) in commands.items():
        seconds, _ = run(command, where)
        print(f"{name}: filled in {seconds:.0f} s", file=sys.stderr)
        _, text = run(command, where)
        if said not in text:
            sys.exit(f"{name} had something to do:\n{text}")
    return commands


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=10, help="runs of ours")
    parser.add_argument("--others", type=int, default=3, help="runs of each of the others")
    parser.add_argument("--keep", type=pathlib.Path, help="use this folder and leave it there")
    options = parser.parse_args()
    bin = environment.folder("noop")
    with tempfile.TemporaryDirectory(prefix="fpl-noop-") as temporary:
        folder = (options.keep or pathlib.Path(temporary)).resolve()
        folder.mkdir(exist_ok=True)
        commands = prepare(folder, bin)
        times = {name: [] for name in commands}
        for turn in range(max(options.rounds, options.others)):
            for name, (command, where, _) in commands.items():
                if turn < (options.rounds if name == "fpl-repro all" else options.others):
                    times[name].append(run(command, where)[0])
    ours = statistics.median(times["fpl-repro all"])
    print("| command | runs | median ms | least ms | times ours |")
    print("|---|--:|--:|--:|--:|")
    for name, seconds in times.items():
        median = statistics.median(seconds)
        print(f"| `{name}` | {len(seconds)} | {median * 1e3:.0f} | {min(seconds) * 1e3:.0f} | {median / ours:.0f} |")
    ratio = statistics.median(times["dvc repro"]) / ours
    print(f"\n`dvc repro` takes {ratio:.0f} times as long (required: 50)")
    sys.exit(ratio < 50)


main()
