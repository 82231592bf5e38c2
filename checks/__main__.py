"""`python -m checks [NAME ...]`: run the checks side by side, a line each, and fail when any failed.

Each check is a process of its own: the slow ones (mypy, the SAM CLI) share the cores and none can disturb another.
"""

import asyncio
import os
import sys
import time
from dataclasses import dataclass

from checks.project import NOTE, ROOT

# The slow ones first: the others fill the second core meanwhile.
CHECKS = (
    "static_types",
    "templates",
    "resources",
    "documents",
    "style",
    "secret_scan",
    "audit",
    "imports",
    "schema",
    "generate",
    "environment",
    "publish_documents",
    "client_types",
    "schema_changes",
    "rights_page",
    "openapi",
    "systems",
    "appsync_features",
    "error_catalogue",
    "settings",
    "machine_paths",
)

# Checks whose module needs an argument to look instead of write.
ARGUMENTS = {"generate": ("--check",)}


@dataclass(frozen=True)
class Outcome:
    name: str
    status: int
    seconds: float
    output: str

    @property
    def word(self) -> str:
        return {0: "ok", NOTE: "note"}.get(self.status, "FAIL")


async def run_check(name: str, slots: asyncio.Semaphore) -> Outcome:
    """Run one check in its own process and print its line when it ends."""
    async with slots:
        began = time.monotonic()
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            f"checks.{name}",
            *ARGUMENTS.get(name, ()),
            cwd=ROOT,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await process.communicate()
        outcome = Outcome(name, process.returncode or 0, time.monotonic() - began, output.decode().rstrip())
    print(f"{outcome.word:<4}  {name:<20} {outcome.seconds:5.1f} s", flush=True)
    return outcome


async def run_checks(names: tuple[str, ...]) -> bool:
    """Run the named checks, then show what those said that have something to tell. True when none failed."""
    slots = asyncio.Semaphore(max(2, os.cpu_count() or 2))
    outcomes = await asyncio.gather(*(run_check(name, slots) for name in names))
    for outcome in outcomes:
        if outcome.word != "ok":
            print(f"\n--- {outcome.name} (alone: python -m checks.{outcome.name})\n{outcome.output}")
    return all(outcome.word != "FAIL" for outcome in outcomes)


def main(arguments: list[str]) -> int:
    unknown = [name for name in arguments if name not in CHECKS]
    if unknown:
        print(f"no such check: {', '.join(unknown)}; there are: {', '.join(CHECKS)}")
        return 2
    return 0 if asyncio.run(run_checks(tuple(arguments) or CHECKS)) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
