"""The fixture that all cases share, and the score: facts that hold, of the facts that were asked."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.api import Api
from tests.contract.facts import CHOICE, FACT
from tests.contract.realtime import Socket, session
from tests.contract.target import Target, deployed

HERE = Path(__file__).resolve().parent


def pytest_configure(config: pytest.Config) -> None:
    """The two kinds of cases."""
    config.addinivalue_line("markers", "fact(section, source): a documented fact of AppSync; counts in the score")
    config.addinivalue_line("markers", "choice(section, reason): undocumented; what was chosen, and why")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Every case of this folder is of one kind; the kind travels with its report, also out of a worker process."""
    for item in items:
        if HERE not in item.path.parents:
            continue
        marks = [mark for mark in item.iter_markers() if mark.name in (FACT, CHOICE)]
        if len(marks) != 1:
            raise pytest.UsageError(f"{item.nodeid} needs exactly one of @fact and @choice")
        item.add_marker("stack")
        item.user_properties.append((marks[0].name, marks[0].args))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The score, by the kind of each case."""
    counts = {(kind, outcome): 0 for kind in (FACT, CHOICE) for outcome in ("passed", "failed", "error")}
    for outcome in ("passed", "failed", "error"):
        for report in terminalreporter.getreports(outcome):
            if outcome == "passed" and getattr(report, "when", "") != "call":
                continue
            for kind, _ in getattr(report, "user_properties", ()):
                if kind in (FACT, CHOICE):
                    counts[kind, outcome] += 1
    asked = {kind: sum(counts[kind, outcome] for outcome in ("passed", "failed", "error")) for kind in (FACT, CHOICE)}
    if any(asked.values()):
        terminalreporter.section("contract")
        terminalreporter.line(f"facts {counts[FACT, 'passed']} / {asked[FACT]}")
        terminalreporter.line(f"choices {counts[CHOICE, 'passed']} / {asked[CHOICE]} (not in the score)")


@pytest.fixture(scope="session")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    """The deployed fixture."""
    with deployed(tmp_path_factory.mktemp("contract")) as found:
        yield found


@pytest.fixture(scope="session")
def api(target: Target) -> Api:
    """The API that most cases ask."""
    return target.api


@pytest.fixture
def socket(api: Api) -> Iterator[Socket]:
    """An acknowledged real-time connection with the API key."""
    with session(api) as found:
        yield found
