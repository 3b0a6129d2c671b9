"""Virtual environments for the benchmarks, in target/bench/."""

import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent


def folder(name):
    """The `bin` folder of an environment with bench/NAME/requirements.txt installed; made if it is not there."""
    place = ROOT / "target/bench" / f"{name}-venv"
    complete = place / "complete"
    if not complete.exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", place], check=True)
        requirements = ROOT / "bench" / name / "requirements.txt"
        subprocess.run([place / "bin/pip", "install", "-q", "-r", requirements], check=True)
        complete.touch()
    return place / "bin"
