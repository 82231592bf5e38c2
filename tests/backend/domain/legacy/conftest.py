"""A legacy system for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from domain.legacy.server import LegacyServer
from tests.legacy_system import LegacySystem, legacy_system


@pytest.fixture
def system() -> Iterator[LegacySystem]:
    with legacy_system() as found:
        yield found


@pytest.fixture
def server() -> Iterator[LegacyServer]:
    found = LegacyServer()
    yield found
    found.close()
