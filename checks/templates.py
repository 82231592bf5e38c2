"""`sam validate --lint` on every template: the SAM transform and cfn-lint, offline.

A template that passed is not looked at again until it changes, or what looks at it: a run takes some seconds for each.
What failed is never remembered. The record is in the virtual environment, so that a new one begins anew.
"""

import hashlib
import json
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path

from checks.project import program, report, run, templates

JUDGES = ("aws-sam-cli", "aws-sam-translator", "cfn-lint")
RECORD = ".templates.json"
_KEPT = 200  # passed templates, the newest

Validate = Callable[[Path, Path], list[str]]


def validate(template: Path, root: Path) -> list[str]:
    command = [program("sam"), "validate", "--lint", "--template-file", str(template.relative_to(root))]
    # The SAM CLI wants a region even when it asks AWS nothing, and would otherwise send usage data.
    return run(command, root, AWS_DEFAULT_REGION="us-east-1", SAM_CLI_TELEMETRY="0")


def mark(template: Path, root: Path) -> str:
    """What a template passes by: its text and place, the versions of what looks, and for the root all that it nests."""
    seen = templates(root) if template.parent == root else [template]
    parts = [*(f"{judge} {version(judge)}" for judge in JUDGES), template.relative_to(root).as_posix()]
    parts += [hashlib.sha256(each.read_bytes()).hexdigest() for each in seen]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def passed(record: Path) -> list[str]:
    """The marks of templates that passed; none when the record cannot be read."""
    try:
        found = json.loads(record.read_text())
    except (OSError, ValueError):
        return []
    return [each for each in found if isinstance(each, str)] if isinstance(found, list) else []


def problems(root: Path, record: Path | None = None, look: Validate = validate) -> list[str]:
    found = templates(root)
    if not found:
        return ["template.yaml is missing"]
    record = record or Path(sys.prefix) / RECORD
    known, marks = passed(record), {path: mark(path, root) for path in found}
    waiting = [path for path in found if marks[path] not in known]
    with ThreadPoolExecutor(max_workers=2) as threads:
        outcomes = dict(zip(waiting, threads.map(lambda path: look(path, root), waiting), strict=True))
    new = [marks[path] for path, lines in outcomes.items() if not lines]
    if new:
        record.write_text(json.dumps([*known, *new][-_KEPT:]))
    return [problem for lines in outcomes.values() for problem in lines]


if __name__ == "__main__":
    report(problems)
