"""One instance that all attacks are made on, with the people who attack each other there."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.attacks.target import Target
from tests.stack.instance import Instance, running


@pytest.fixture(scope="session")
def instance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    yield from running(tmp_path_factory.mktemp("attacked") / "state")


@pytest.fixture(scope="session")
def target(instance: Instance) -> Target:
    return Target(instance)
