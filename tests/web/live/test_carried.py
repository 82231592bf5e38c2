"""Feeds whose subscriptions Amplify and Apollo carry: the real libraries, the real backend."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.stack.instance import Instance
from tests.web.live.conftest import new_room, where
from tests.web.live.network import Network
from tests.web.live.program import Program, ProgramError

pytestmark = [pytest.mark.stack, pytest.mark.clients]

LIVE_SECONDS = 30
# Amplify looks for a lost connection after 5 s, and then once a minute.
RETURN_SECONDS = 100


@pytest.fixture(params=["amplify", "apollo"])
def carrier(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def program(carrier: str, library: Path, instance: Instance, tmp_path: Path) -> Iterator[Program]:
    environment = os.environ | {"NODE_EXTRA_CA_CERTS": instance.outputs["caFile"]}
    command = ["node", "programs/carried.js", carrier]
    with closing(Program("Node", command, library, environment, tmp_path / "log")) as started:
        yield started


@pytest.fixture
def to_server(carrier: str, instance: Instance) -> Iterator[Network]:
    """A network to the port that the library takes: Amplify always speaks TLS."""
    url = instance.outputs["graphqlTls" if carrier == "amplify" else "graphql"]
    with closing(Network(urlsplit(url).port or 80)) as network:
        yield network


def test_no_change_is_lost_or_doubled_across_a_cut(
    carrier: str, program: Program, to_server: Network, instance: Instance
) -> None:
    room = new_room()
    program.call("connect", **where(instance, to_server, tls=carrier == "amplify"))
    feed = program.live(f"room:{room}")
    program.ready(feed)
    for number in range(3):
        instance.send(room, f"message {number}")
    program.wait(lambda: len(feed.changes) == 3, LIVE_SECONDS, "three changes")
    assert {change["source"] for change in feed.changes} == {"push"}
    to_server.cut()
    program.wait(lambda: feed.state != "live", LIVE_SECONDS, "the loss to be told")
    for number in range(3, 6):
        instance.send(room, f"message {number}")
    to_server.restore()
    program.wait(lambda: feed.state == "live", RETURN_SECONDS, "the connection to return")
    program.wait(lambda: len(feed.changes) == 6, LIVE_SECONDS, "what was missed")
    instance.send(room, "message 6")
    program.wait(lambda: len(feed.changes) == 7, LIVE_SECONDS, "one more change")
    assert feed.texts == [f"message {number}" for number in range(7)]
    feed.assert_gapless()


def test_a_refused_caller_gets_the_typed_error(carrier: str, program: Program, instance: Instance) -> None:
    options = where(instance, tls=carrier == "amplify") | {"apiKey": "da2-abcdefghijklmnopqrstuvwxyz"}
    program.call("connect", **options)
    feed = program.live(f"room:{new_room()}")
    with pytest.raises(ProgramError) as refused:
        program.ready(feed)
    assert refused.value.name == "Unauthorized", refused.value
