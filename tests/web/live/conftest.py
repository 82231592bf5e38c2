"""The built TypeScript library in Node and in headless Chromium, against instances of the backend."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.clients.conftest import chromium
from tests.stack.conftest import instance
from tests.stack.instance import Instance, running
from tests.web.live.launch import launch, library_in
from tests.web.live.network import Network
from tests.web.live.program import Program

__all__ = ["chromium", "instance"]

Start = Callable[..., Program]
"""Starts a program on a platform; `state` is the folder of its outbox or of the browser's profile."""


@pytest.fixture(scope="session")
def own_instance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    """An instance that the tests of restarts share; each leaves it running."""
    yield from running(tmp_path_factory.mktemp("restarted") / "state")


@pytest.fixture(scope="session")
def library(package: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built package and the programs."""
    return library_in(tmp_path_factory.mktemp("library"), package)


@pytest.fixture
def start(library: Path, request: pytest.FixtureRequest, tmp_path: Path, instance: Instance) -> Iterator[Start]:
    """Starts programs, which are ended after the test. They trust the instance's certificate authority."""
    with ExitStack() as ends:

        def begin(platform: str, state: Path | None = None) -> Program:
            browser = request.getfixturevalue("chromium") if platform == "Chromium" else ""
            state = state or tmp_path / f"state-{uuid.uuid4()}"
            program = launch(platform, library, state, instance.outputs["caFile"], browser)
            ends.callback(program.close)
            return program

        yield begin


@pytest.fixture
def network(instance: Instance) -> Iterator[Network]:
    """A network between programs and the instance's HTTP port."""
    found = Network(urlsplit(instance.outputs["graphql"]).port or 80)
    yield found
    found.close()


def where(instance: Instance, network: Network | None = None, *, tls: bool = False) -> dict[str, Any]:
    """What `connect` is told: the instance's addresses, or those through a network."""
    outputs = instance.outputs
    suffix = "Tls" if tls else ""
    urls = {"url": outputs[f"graphql{suffix}"], "realtimeUrl": outputs[f"realtime{suffix}"]}
    if network is not None:
        urls = {name: urlsplit(url)._replace(netloc=f"localhost:{network.port}").geturl() for name, url in urls.items()}
    return {**urls, "apiKey": outputs["apiKey"]}


def new_room() -> str:
    """A room that nobody has used."""
    return f"room-{uuid.uuid4()}"
