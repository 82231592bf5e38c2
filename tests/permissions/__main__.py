"""Take permissions away and see exactly the probes fail that need them.

    python -m tests.permissions                        which probe needs which permission, and what is superfluous
    python -m tests.permissions --remove 5 --seed 1    remove five at random, redeploy to a fresh instance, compare
    python -m tests.permissions --remove 5 --seed 1 2 3    the same for several choices, one after the other

The status is 0 when each permission that is evaluated here is needed by a probe, and just those failed that should.
"""

from __future__ import annotations

import argparse
import random
import re
import shutil
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

from local.permissions_used import VARIABLE
from tests.permissions import mapping, probes
from tests.permissions.scenarios import BURST, HEARTBEAT_SECONDS
from tests.permissions.table import Permission, deployed
from tests.stack.instance import PROJECT, Instance

console = Console(width=220)
COPIED = ("template.yaml", "schema.graphql", "stacks", "resolvers", "streams", "backend", "layers")


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.permissions", description=__doc__)
    parser.add_argument("--remove", type=int, default=0, metavar="N", help="how many permissions to take away")
    parser.add_argument("--seed", type=int, nargs="+", default=[0], help="of the choice")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        permissions, needs = table(Path(folder))
        unneeded = show(permissions, needs)
        if not arguments.remove:
            return int(bool(unneeded))
        usable = sorted(set().union(*needs.values()))
        failures = bool(unneeded)
        for seed in arguments.seed:
            removed = random.Random(seed).sample(usable, min(arguments.remove, len(usable)))
            console.print(f"--- seed {seed}")
            failures |= compare(Path(folder) / str(seed), len(permissions), removed, mapping.expected(needs, removed))
        return int(failures)


def table(folder: Path) -> tuple[list[Permission], mapping.Needs]:
    """The permissions of a fresh instance, and which probes need them."""
    record = folder / "used.jsonl"
    template = copied(folder / "original") / "template.yaml"
    instance = Instance(folder / "whole", {VARIABLE: str(record)}, ("--template", str(template)))
    instance.start()
    try:
        permissions = deployed(instance)
        return permissions, mapping.recorded(instance, record, permissions)
    finally:
        instance.stop()


def copied(project: Path) -> Path:
    """A copy of what is deployed, in which mutations are limited to fewer at once than the code has by itself.

    So probes that meet the limit tell whether a function could read it.
    """
    project.mkdir()
    for name in COPIED:
        source = PROJECT / name
        if source.is_dir():
            shutil.copytree(source, project / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, project / name)
    template = project / "template.yaml"
    text = with_default(template.read_text(), "MutationsBurst", BURST)
    text = with_default(text, "HeartbeatSeconds", HEARTBEAT_SECONDS)
    template.write_text(with_default(text, "MutationsPerSecond", 1))
    return project


def with_default(template: str, parameter: str, value: int) -> str:
    """A template with another default of a parameter that is a number."""
    text, count = re.subn(rf"(\n  {parameter}:(?:\n    .*)*?\n    Default: )\d+", rf"\g<1>{value}", template)
    assert count == 1, f"the template has no {parameter}"
    return text


def show(permissions: list[Permission], needs: mapping.Needs) -> list[Permission]:
    """Print the table. Returns the permissions that no probe needs."""
    tests = {probe.name: probe.tests for probe in probes.PROBES}
    shown = Table("permission", "probes that need it", "and tests like them")
    for permission in permissions:
        names = [name for name, needed in needs.items() if permission in needed]
        if names:
            shown.add_row(str(permission), ", ".join(names), ", ".join(sorted({tests[name] for name in names})))
    console.print(shown)
    unneeded = mapping.superfluous(needs, permissions)
    for permission in unneeded:
        console.print(f"FAILURE: superfluous, or without a probe: {permission}")
    unevaluated = [each for each in permissions if not mapping.is_evaluated(each)]
    console.print(f"{len(unevaluated)} permissions are not evaluated locally (logs, reading of streams and queues)")
    console.print(f"{len(permissions) - len(unevaluated) - len(unneeded)} are needed, {len(unneeded)} are not")
    return unneeded


def compare(folder: Path, before: int, removed: list[Permission], expected: set[str]) -> bool:
    """Deploy without some permissions and run every probe. Returns whether others failed than should, or fewer."""
    folder.mkdir()
    project = copied(folder / "project")
    mapping.remove_from_templates(project, removed)
    for permission in removed:
        console.print(f"removed: {permission}")
    instance = Instance(folder / "reduced", arguments=("--template", str(project / "template.yaml")))
    instance.start()
    try:
        left = deployed(instance)
        # Statements that are gone as a whole move the others up, so that they cannot be told by their places.
        assert len(left) == before - len(removed), f"{len(left)} permissions are left of {before}"
        failed = mapping.failures(instance)
    finally:
        instance.stop()
    for name, why in failed.items():
        console.print(f"{'fails as it should' if name in expected else 'FAILS THOUGH IT SHOULD NOT'}: {name}: {why}")
    for name in sorted(expected - failed.keys()):
        console.print(f"PASSES THOUGH IT SHOULD NOT: {name}")
    console.print(f"{len(failed)} of {len(probes.PROBES)} probes fail; expected: {', '.join(sorted(expected))}")
    return failed.keys() != expected


if __name__ == "__main__":
    sys.exit(main())
