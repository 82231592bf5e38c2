"""The deployed sources, one for the whole suite."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.event_sources.target import VARIABLE, Target, deployed

HERE = Path(__file__).resolve().parent


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """They all need a whole deployment. MiniStack's own AppSync, a target of tests/contract, says nothing here."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker("stack")
            if os.environ.get(VARIABLE) == "ministack":
                item.add_marker(pytest.mark.skip(reason="is about event source mappings"))


@pytest.fixture(scope="session")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    """The deployed sources and functions."""
    with deployed(tmp_path_factory.mktemp("event-sources")) as found:
        yield found
