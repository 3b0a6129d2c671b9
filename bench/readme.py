"""What the benchmarks share: their places in README.md, and the machine that they ran on."""

import os
import pathlib
import re

README = pathlib.Path(__file__).resolve().parent / "README.md"


def replace(name, text):
    """Puts `text` between the markers `<!-- NAME:begin -->` and `<!-- NAME:end -->` of README.md."""
    begin, end = f"<!-- {name}:begin -->\n", f"<!-- {name}:end -->"
    old = README.read_text()
    before, found, rest = old.partition(begin)
    _, closed, after = rest.partition(end)
    if not found or not closed:
        raise SystemExit(f"{README} lacks {begin.strip()} or {end}: put both back")
    README.write_text(f"{before}{begin}{text.strip()}\n{closed}{after}")


def table(head, rows):
    """A Markdown table. A column of `head` that ends in a colon is aligned to the right."""
    rule = ["--:" if name.endswith(":") else "---" for name in head]
    lines = [[name.removesuffix(":") for name in head], rule, *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


def machine():
    """Processor, cores and load, as far as Linux says."""
    text = pathlib.Path("/proc/cpuinfo").read_text()
    model = re.search(r"model name\s*: (.*)", text)
    wide = [name for name in ["avx2", "avx512f", "avx512_bf16", "amx_bf16"] if re.search(rf"\b{name}\b", text)]
    return {
        "processor": model[1] if model else "unknown",
        "instructions": wide,
        "cores": len(os.sched_getaffinity(0)),
        "load": os.getloadavg()[0],
    }


def describe(machine):
    """The machine in a sentence."""
    instructions = ", ".join(machine["instructions"]) or "no wide instructions"
    start = f"{machine['processor']}, {machine['cores']} cores ({instructions})"
    return f"{start}, no GPU; a load of {machine['load']:.1f} when the benchmark began."
