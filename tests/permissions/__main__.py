"""Take permissions away and see exactly the probes fail that need them.

    python -m tests.permissions                        which probe needs which permission, and what is superfluous
    python -m tests.permissions --remove 5 --seed 1    remove five at random, redeploy to a fresh instance, compare

The status is 0 when what failed is what the table says.
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

from local.permissions_used import VARIABLE
from tests.permissions import mapping, probes
from tests.permissions.table import Permission, deployed
from tests.stack.instance import PROJECT, Instance

console = Console(width=160)
COPIED = ("template.yaml", "schema.graphql", "stacks", "resolvers", "streams", "backend", "layers")


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.permissions", description=__doc__)
    parser.add_argument("--remove", type=int, default=0, metavar="N", help="how many permissions to take away")
    parser.add_argument("--seed", type=int, default=0, help="of the choice")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        permissions, needs = table(Path(folder))
        show(permissions, needs)
        if not arguments.remove:
            return 0
        usable = sorted(set().union(*needs.values()))
        removed = random.Random(arguments.seed).sample(usable, min(arguments.remove, len(usable)))
        return compare(Path(folder), removed, mapping.expected(needs, removed))


def table(folder: Path) -> tuple[list[Permission], mapping.Needs]:
    """The permissions of a fresh instance, and which probes need them."""
    record = folder / "used.jsonl"
    instance = Instance(folder / "whole", {VARIABLE: str(record)})
    instance.start()
    try:
        permissions = deployed(instance)
        return permissions, mapping.recorded(instance, record, permissions)
    finally:
        instance.stop()


def show(permissions: list[Permission], needs: mapping.Needs) -> None:
    """Print the table."""
    shown = Table("permission", "needed by")
    for permission in permissions:
        names = [name for name, needed in needs.items() if permission in needed]
        if names:
            shown.add_row(str(permission), ", ".join(names))
    console.print(shown)
    for permission in mapping.superfluous(needs, permissions):
        console.print(f"superfluous, or without a probe: {permission}")
    unevaluated = [each for each in permissions if each.action.startswith(mapping.UNEVALUATED)]
    console.print(f"{len(unevaluated)} permissions are not evaluated locally (logs, reading of streams)")


def compare(folder: Path, removed: list[Permission], expected: set[str]) -> int:
    """Deploy without some permissions, run every probe, and tell whether those failed that should."""
    project = folder / "project"
    project.mkdir()
    for name in COPIED:
        source = PROJECT / name
        if source.is_dir():
            shutil.copytree(source, project / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, project / name)
    mapping.remove_from_templates(project, removed)
    for permission in removed:
        console.print(f"removed: {permission}")
    instance = Instance(folder / "reduced", arguments=("--template", str(project / "template.yaml")))
    instance.start()
    try:
        left = deployed(instance)
        assert not set(removed) & set(left), "the templates still have them"
        failed = mapping.failures(instance)
    finally:
        instance.stop()
    for name, why in failed.items():
        console.print(f"{'fails as it should' if name in expected else 'FAILS THOUGH IT SHOULD NOT'}: {name}: {why}")
    for name in sorted(expected - failed.keys()):
        console.print(f"PASSES THOUGH IT SHOULD NOT: {name}")
    console.print(f"{len(failed)} of {len(probes.PROBES)} probes fail; expected: {', '.join(sorted(expected))}")
    return int(failed.keys() != expected)


if __name__ == "__main__":
    sys.exit(main())
