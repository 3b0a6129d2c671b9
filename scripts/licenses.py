#!/usr/bin/env python3
"""Lists the licences of all crates in the two programs on Linux, for DEPENDENCIES.md:

    scripts/licenses.py DEPENDENCIES.md      # replaces what stands below the heading "Licences"
"""

import json
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

HEADING = "## Licences\n"
COMMAND = ["cargo", "metadata", "--locked", "--format-version", "1", "--filter-platform", "x86_64-unknown-linux-gnu"]


def linked(metadata: dict) -> set[str]:
    """The packages that are compiled for the programs, by id: no dependencies of tests."""
    nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}
    open_ids = list(metadata["workspace_default_members"])
    found: set[str] = set()
    while open_ids:
        package = open_ids.pop()
        if package not in found:
            found.add(package)
            needed = (dep for dep in nodes[package]["deps"] if any(kind["kind"] != "dev" for kind in dep["dep_kinds"]))
            open_ids.extend(dep["pkg"] for dep in needed)
    return found - set(metadata["workspace_members"])


def main() -> None:
    metadata = json.loads(subprocess.check_output(COMMAND))
    ids = linked(metadata)
    crates = defaultdict(set)
    for package in metadata["packages"]:
        if package["id"] in ids:
            # An old spelling; and the order of alternatives says nothing.
            licence = package["license"].replace(" / ", "/").replace("/", " OR ")
            if "(" not in licence and " AND " not in licence:
                licence = " OR ".join(sorted(licence.split(" OR ")))
            crates[licence].add(package["name"])
    rows = sorted(crates.items(), key=lambda row: (-len(row[1]), row[0]))
    total = sum(len(names) for names in crates.values())
    text = f"\nOf the {total} crates in the two programs on Linux, by `scripts/licenses.py`.\n\n"
    text += "| licence | crates |\n| --- | --- |\n"
    text += "".join(f"| {licence} | {', '.join(sorted(names))} |\n" for licence, names in rows)
    path = Path(sys.argv[1])
    before, _, _ = path.read_text().partition(HEADING)
    path.write_text(f"{before.rstrip()}\n\n{HEADING}{text}")


if __name__ == "__main__":
    main()
