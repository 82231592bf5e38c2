"""One instance for all tests that only read and write; tests that break or restart one start their own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.stack.instance import Instance, running


@pytest.fixture(scope="session")
def instance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    yield from running(tmp_path_factory.mktemp("shared") / "state")
