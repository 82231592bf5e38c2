"""Mutations queued by a program that is killed at random points: what the server has of them in the end."""

from __future__ import annotations

import random
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.stack.instance import Instance
from tests.web.live.network import Network
from tests.web.live.program import Program, ProgramError, ProgramGone

Begin = Callable[[], Program]
"""Starts the program, on the same platform and with the same outbox each time."""

DRAIN_SECONDS = 180


@dataclass
class Killed:
    """What a run did."""

    rooms: dict[str, list[str]]  # the texts that were queued, in their order
    kills: int = 0
    cuts: int = 0
    seconds: float = 0


def queue_and_kill(
    begin: Begin, connect: dict[str, Any], network: Network, *, mutations: int, kills: int, rooms: int, seed: int
) -> Killed:
    """Queue mutations to some rooms, through a network that is cut now and then, and kill the program at random points.

    A program that was killed while it queued one does not know whether it is kept: it queues it again, under its id.
    """
    chance = random.Random(seed)
    run = uuid.uuid4()
    done = Killed({f"room-{run}-{number}": [] for number in range(rooms)})
    names = list(done.rooms)
    began = time.monotonic()
    number = 0
    while True:
        program = begin()
        killer = threading.Timer(chance.uniform(0.05, 1.2), kill, (program,))
        if chance.random() < 0.4:
            network.cut()
            done.cuts += 1
        try:
            program.call("connect", **connect)
            if done.kills < kills:
                killer.start()
            healed = number + chance.randrange(1 + mutations // 10)
            while number < mutations:
                room = names[chance.randrange(rooms)] if number % 3 else names[0]
                queue(program, done, room, f"{number}", f"{run}-{number}")
                number += 1
                if number >= healed:
                    network.restore()
            network.restore()
            if done.kills >= kills:
                break
            killer.join()
            raise ProgramGone("killed while it sent")
        except (ProgramGone, ProgramError):
            done.kills += 1
            killer.join()
            network.restore()
            if program.platform == "Node":
                program.close()
    drain(program)
    done.seconds = time.monotonic() - began
    return done


def queue(program: Program, done: Killed, room: str, text: str, id_: str) -> None:
    """Queue one, again in the same room if that was interrupted before."""
    if not any(text in texts for texts in done.rooms.values()):
        done.rooms[room].append(text)
    (room,) = (name for name, texts in done.rooms.items() if text in texts)
    program.call("queue", room=room, text=text, id=id_)


def kill(program: Program) -> None:
    """The process of the library ends at once: Node's, or the page's."""
    if program.platform == "Node":
        program.kill()
    else:
        program.call("crashPage")


def drain(program: Program) -> None:
    """Wait until nothing is queued any more."""
    deadline = time.monotonic() + DRAIN_SECONDS
    while waiting := program.call("waiting"):
        assert time.monotonic() < deadline, f"still {len(waiting)} queued"
        time.sleep(0.1)


def in_the_log(instance: Instance, room: str, count: int, seconds: float = 60) -> list[str]:
    """The texts of a room's changes, in the order of their numbers, once there are so many."""
    query = """query ($room: ID!, $after: Int!) {
        messageChanges(roomId: $room, after: $after, limit: 1000) { items { message { text } } lastSeq } }"""
    deadline = time.monotonic() + seconds
    texts: list[str] = []
    after = 0
    while len(texts) < count:
        page = instance.graphql(query, room=room, after=after)["data"]["messageChanges"]
        texts += [item["message"]["text"] for item in page["items"]]
        after = page["lastSeq"]
        if not page["items"]:
            if time.monotonic() > deadline:
                break
            time.sleep(0.05)
    return texts


def stored(instance: Instance, room: str) -> list[str]:
    """The texts of a room's messages."""
    query = """query ($room: ID!, $next: String) {
        messages(roomId: $room, order: OLDEST_FIRST, limit: 100, nextToken: $next) { items { text } nextToken } }"""
    texts: list[str] = []
    token = None
    while True:
        page = instance.graphql(query, room=room, next=token)["data"]["messages"]
        texts += [item["text"] for item in page["items"]]
        token = page["nextToken"]
        if token is None:
            return texts


def judge(instance: Instance, done: Killed) -> None:
    """Each mutation was applied exactly once, and in the order of its room."""
    for room, queued in done.rooms.items():
        assert in_the_log(instance, room, len(queued)) == queued, room
        assert sorted(stored(instance, room)) == sorted(queued), room
