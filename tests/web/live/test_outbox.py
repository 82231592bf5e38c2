"""The offline queue against the real backend: killed at random points, offline, shared by two tabs."""

from __future__ import annotations

import random
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.stack.instance import Instance
from tests.web.live.conftest import Start, new_room, where
from tests.web.live.killing import in_the_log, judge, queue_and_kill
from tests.web.live.launch import PLATFORMS, outbox
from tests.web.live.network import Network
from tests.web.live.program import Followed, Program, ProgramError

pytestmark = [pytest.mark.stack, pytest.mark.clients]

SECONDS = 30


@pytest.mark.parametrize("platform", PLATFORMS)
def test_killed_at_random_points(
    start: Start, instance: Instance, network: Network, tmp_path: Path, platform: str
) -> None:
    """benchmarks/web_outbox.py does the same with 500 mutations."""
    state = tmp_path / "state"
    programs: list[Program] = []

    def begin() -> Program:
        # A page that was killed leaves its browser, whose next page it is.
        if platform == "Node" or not programs:
            programs.append(start(platform, state))
        return programs[-1]

    connect = {**where(instance, network), "outbox": outbox(platform, state)}
    seed = random.randrange(10**6)
    print(f"seed {seed}")
    done = queue_and_kill(begin, connect, network, mutations=60, kills=6, rooms=3, seed=seed)
    assert done.kills >= 6
    judge(instance, done)


@pytest.mark.parametrize("platform", PLATFORMS)
def test_offline_a_message_shows_at_once_and_is_sent_when_the_network_returns(
    start: Start, instance: Instance, network: Network, tmp_path: Path, platform: str
) -> None:
    state, room = tmp_path / "state", new_room()
    program = start(platform, state)
    program.call("connect", **where(instance, network), outbox=outbox(platform, state))
    feed = program.live(f"room:{room}")
    program.ready(feed)
    if platform == "Chromium":
        program.call("offline", offline=True)
    else:
        network.cut()
    program.wait(lambda: feed.state in {"offline", "connecting"}, SECONDS, "the feed to be offline")
    program.call("queue", room=room, text="one", id=f"{room}-1")
    program.call("queue", room=room, text="two", id=f"{room}-2")
    looked = program.look(feed)
    assert [item["text"] for _, item in looked["items"]] == ["one", "two"]
    assert looked["pending"] == [f"new-{room}-1", f"new-{room}-2"]
    if platform == "Chromium":
        program.call("offline", offline=False)
    else:
        network.restore()
    program.wait(lambda: len(program.ended) == 2, SECONDS, "both answers")
    assert not [end for ends in program.ended.values() for end in ends if "error" in end]
    program.wait(lambda: len(feed.changes) == 2, SECONDS, "both changes")
    assert feed.texts == ["one", "two"]
    looked = program.look(feed)
    assert [item["text"] for _, item in looked["items"]] == ["one", "two"]
    assert not any(key.startswith("new-") for key, _ in looked["items"])
    assert looked["pending"] == []


@pytest.mark.parametrize("platform", PLATFORMS)
def test_a_refused_message_is_rolled_back_and_the_next_goes_on(
    start: Start, instance: Instance, tmp_path: Path, platform: str
) -> None:
    state, room = tmp_path / "state", new_room()
    program = start(platform, state)
    program.call("connect", **where(instance), outbox=outbox(platform, state))
    feed = program.live(f"room:{room}")
    program.ready(feed)
    program.call("queue", room=room, text="", id=f"{room}-1")
    program.call("queue", room=room, text="good", id=f"{room}-2")
    program.wait(lambda: len(program.ended) == 2, SECONDS, "both ends")
    (refused,) = program.ended[f"{room}-1"]
    assert refused["error"]["name"] == "InvalidInput"
    assert refused["error"]["info"] == {"field": "input.text"}
    program.wait(lambda: feed.texts == ["good"], SECONDS, "the second message")
    assert [item["text"] for _, item in program.look(feed)["items"]] == ["good"]
    assert program.call("waiting") == []


@pytest.mark.parametrize("platform", PLATFORMS)
def test_what_failed_after_a_restart_is_told(
    start: Start, instance: Instance, network: Network, tmp_path: Path, platform: str
) -> None:
    state, room = tmp_path / "state", new_room()
    connect = {**where(instance, network), "outbox": outbox(platform, state)}
    network.cut()
    program = start(platform, state)
    program.call("connect", **connect)
    program.call("queue", room=room, text="", id=room)
    program.close()
    network.restore()
    program = start(platform, state)
    program.call("connect", **connect)
    program.wait(lambda: room in program.ended, SECONDS, "the failure")
    (told,) = program.ended[room]
    assert told["late"]
    assert told["error"]["name"] == "InvalidInput"


def test_a_second_process_is_refused(start: Start, instance: Instance, tmp_path: Path) -> None:
    state, room = tmp_path / "state", new_room()
    first, second = start("Node", state), start("Node", state)
    first.call("connect", **where(instance), outbox=outbox("Node", state))
    first.call("queue", room=room, text="first", id=f"{room}-1")
    second.call("connect", **where(instance), outbox=outbox("Node", state))
    with pytest.raises(ProgramError, match="OutboxLocked"):
        second.call("queue", room=room, text="second", id=f"{room}-2")
    assert in_the_log(instance, room, 1) == ["first"]


def test_two_tabs_share_an_outbox(start: Start, instance: Instance, network: Network, tmp_path: Path) -> None:
    """One sends for both; when it goes, the other does. Both are told, and both show what is pending."""
    state, room = tmp_path / "state", new_room()
    program = start("Chromium", state)
    feeds: dict[str, Followed] = {}
    for page in ("first", "second"):
        program.call("connect", page, **where(instance, network), outbox="test")
        feeds[page] = program.live(f"room:{room}", page)
        program.ready(feeds[page], page)
    network.cut()
    for page in feeds:
        program.wait(lambda page=page: feeds[page].state in {"offline", "connecting"}, SECONDS, "offline")  # type: ignore[misc]
    texts = []
    for number in range(20):
        page = ("first", "second")[number % 2]
        text = f"{number} by {page}"
        program.call("queue", page, room=room, text=text, id=f"{room}-{number}")
        texts.append(text)
    for page, feed in feeds.items():
        assert [item["text"] for _, item in program.look(feed, page)["items"]] == texts
    asked = len(program.asked)
    network.restore()
    program.wait(lambda: len(program.ended) == 20, SECONDS, "all ends")
    for page, feed in feeds.items():
        program.wait(lambda feed=feed: len(feed.changes) == 20, SECONDS, "all changes")  # type: ignore[misc]
        assert feed.texts == texts
        assert program.look(feed, page)["pending"] == []
    senders = Counter(page for page, body in program.asked[asked:] if "SendMessage" in body)
    assert len(senders) == 1, senders
    (sender,) = senders
    (other,) = {"first", "second"} - {sender}
    # What is queued when the sender is killed, the other sends.
    network.cut()
    program.call("queue", other, room=room, text="left behind", id=f"{room}-20")
    program.call("crashPage", sender)
    network.restore()
    program.wait(lambda: "left behind" in feeds[other].texts, SECONDS, "the last message")
    program.wait(lambda: f"{room}-20" in program.ended, SECONDS, "its answer")
    assert in_the_log(instance, room, 21) == [*texts, "left behind"]
    assert program.call("waiting", other) == []


def test_two_tabs_one_killed_at_random_points(
    start: Start, instance: Instance, network: Network, tmp_path: Path
) -> None:
    chance = random.Random()
    program = start("Chromium", tmp_path / "state")
    connect = {**where(instance, network), "outbox": "test"}
    room = new_room()
    program.call("connect", "lasting", **connect)
    texts: list[str] = []
    for round_ in range(4):
        program.call("connect", "killed", **connect)
        for number in range(10):
            text = f"{round_} {number}"
            program.call("queue", ("lasting", "killed")[number % 2], room=room, text=text, id=f"{room} {text}")
            texts.append(text)
        time.sleep(chance.uniform(0, 0.3))  # a random point, not a wait
        program.call("crashPage", "killed")
    deadline = time.monotonic() + SECONDS
    while program.call("waiting", "lasting"):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert in_the_log(instance, room, len(texts)) == texts
    lasting = {f"{room} {text}" for text in texts if int(text.split()[1]) % 2 == 0}
    program.wait(lambda: lasting <= program.ended.keys(), SECONDS, "the ends of what the lasting tab queued")
    assert not [end for ends in program.ended.values() for end in ends if "error" in end]
