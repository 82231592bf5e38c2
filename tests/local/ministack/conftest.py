"""One mended and one stock MiniStack for all contract tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.local.ministack.servers import Server, running


@pytest.fixture(scope="session")
def mended(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """MiniStack as the launcher starts it."""
    with running(tmp_path_factory.mktemp("mended"), mended=True) as server:
        yield server


@pytest.fixture(scope="session")
def stock(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """MiniStack as it comes."""
    with running(tmp_path_factory.mktemp("stock"), mended=False) as server:
        yield server


@pytest.fixture
def server(request: pytest.FixtureRequest) -> Server:
    """The server that the test is run against; see `contract`."""
    found: Server = request.getfixturevalue(request.param)
    return found
