"""`python -m tests.contract.compare [TARGET]`: where another implementation differs from AppSync's facts, as a table.

It asks the cases of the contract of a target that is not ours (by default MiniStack's own AppSync) and fails nothing.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections import Counter
from pathlib import Path
from typing import cast

import pytest

from tests.contract.facts import FACT
from tests.contract.target import VARIABLE

HERE = Path(__file__).resolve().parent
WIDTH = 96


class Outcomes:
    """A plugin that keeps what came of each fact: its section and source, and why it does not hold, if so."""

    def __init__(self) -> None:
        self.facts: dict[str, tuple[str, str, str]] = {}
        self.failed_setups = 0

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """A case passed, or its setup or call did not."""
        marks = [args for kind, args in report.user_properties if kind == FACT]
        if not marks or report.skipped or (report.passed and report.when != "call"):
            return
        self.failed_setups += report.failed and report.when == "setup"
        section, source = cast("tuple[str, str]", marks[0])
        case = report.nodeid.partition("::")[2]
        if report.failed or case not in self.facts:
            self.facts[case] = (section, source, _reason(report))


def _reason(report: pytest.TestReport) -> str:
    """The first line of an assertion or exception; empty when the case passed."""
    crash = getattr(report.longrepr, "reprcrash", None)
    if not report.failed:
        return ""
    return " ".join(str(crash.message if crash else report.longrepr).split())


def table(facts: dict[str, tuple[str, str, str]]) -> str:
    """The facts that do not hold, then how many of each section do."""
    lines = [f"{'section':<8} {'source':<28} case: what differs"]
    asked: Counter[str] = Counter()
    held: Counter[str] = Counter()
    for case, (section, source, reason) in sorted(facts.items(), key=lambda item: (item[1], item[0])):
        chapter = section.partition(".")[0]
        asked[chapter] += 1
        held[chapter] += not reason
        if reason:
            lines.append(f"{section:<8} {source:<28} {case}\n{'':<38}{reason[:WIDTH]}")
    lines.append("")
    lines += [f"section {chapter:<3} {held[chapter]:>4} / {asked[chapter]}" for chapter in sorted(asked, key=int)]
    lines.append(f"facts       {held.total():>4} / {asked.total()}")
    return "\n".join(lines)


def main(arguments: list[str]) -> int:
    """Ask, then print."""
    os.environ[VARIABLE] = arguments[0] if arguments else "ministack"
    outcomes = Outcomes()
    with contextlib.redirect_stdout(io.StringIO()) as said:
        pytest.main(["-q", "-p", "no:cacheprovider", str(HERE)], plugins=[outcomes])
    if not outcomes.facts or outcomes.failed_setups == len(outcomes.facts):
        print(said.getvalue()[-4000:])
        return 1
    print(table(outcomes.facts))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
