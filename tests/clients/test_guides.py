"""The guides for Amplify's libraries: their documents fit the schema, and their loop keeps what it promises.

Swift, Kotlin and Dart cannot be compiled here. The loop is modelled in Python, line by line as the guides have it, and
run against a topic that loses, doubles, delays and splits pushes, loses connections, and forgets its log.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pytest
from graphql import parse, validate
from hypothesis import given, settings
from hypothesis import strategies as st

from checks.schema import load

ROOT = Path(__file__).resolve().parents[2]
GUIDES = ROOT / "docs" / "guides"
DOCUMENT = re.compile(r"(\"\"\"|''')\s*((?:subscription|query|mutation) \w+.*?)\1", re.DOTALL)

Kind = Literal["connected", "push", "clock", "lost"]


@pytest.mark.parametrize("guide", ["swift.md", "kotlin.md", "flutter.md"])
def test_the_documents_of_a_guide_fit_the_schema(guide: str) -> None:
    schema = load((ROOT / "schema.graphql").read_text())
    text = (GUIDES / guide).read_text().replace("${'$'}", "$")
    documents = [match[2] for match in DOCUMENT.finditer(text)]
    assert [document.split("(")[0] for document in documents] == [
        "subscription OnMessages",
        "query MessageChanges",
        "query Messages",
    ]
    for document in documents:
        assert validate(schema, parse(document)) == []
        assert "\t" not in document  # Android would send no JSON
        assert "\\" not in document


@dataclass(frozen=True)
class Change:
    seq: int
    truncated: bool = False


@dataclass
class Topic:
    """The server: a log without gaps, the state that it led to, and a retention."""

    changes: list[Change] = field(default_factory=list)
    kept_from: int = 1

    @property
    def head(self) -> int:
        return len(self.changes)

    def page(self, after: int, limit: int) -> tuple[list[Change], int, int, bool]:
        """`messageChanges`: items, lastSeq, headSeq, resyncRequired."""
        if after + 1 < self.kept_from and after < self.head:
            return [], after, self.head, True
        items = [Change(each.seq) for each in self.changes[after : after + limit]]  # the log has items whole
        return items, items[-1].seq if items else after, self.head, False


@dataclass
class Follower:
    """The loop of the guides. `seen` is what the application was told: a snapshot as its head, or a change."""

    topic: Topic
    last: int | None = None
    seen: list[tuple[str, int]] = field(default_factory=list)

    def signal(self, kind: Kind, push: list[Change] | None = None) -> None:
        match kind:
            case "connected" | "clock":
                self.catch_up()
            case "push":
                assert push
                self.receive(push)
            case "lost":
                pass  # subscribes anew; the next signal is `connected`

    def receive(self, items: list[Change]) -> None:
        first, last = items[0].seq, items[-1].seq
        if self.last is not None and first <= self.last + 1 and not any(item.truncated for item in items):
            self.handle(items)
        elif self.last is None or last > self.last:
            self.catch_up()

    def catch_up(self) -> None:
        while True:
            if self.last is None:
                head = self.topic.page(0, 1)[2]
                self.seen.append(("snapshot", head))
                self.last = head
                continue
            items, last, head, resync_required = self.topic.page(self.last, 3)
            if resync_required:
                self.last = None
                continue
            self.handle(items)
            if last >= head:
                return

    def handle(self, items: list[Change]) -> None:
        for change in items:
            if change.seq > (self.last or 0):
                self.seen.append(("change", change.seq))
                self.last = change.seq


def complaints(follower: Follower) -> Iterator[str]:
    """What the application may not be told: a gap, a double, anything out of order."""
    expected: int | None = None
    for what, number in follower.seen:
        if what == "change" and number != expected:
            yield f"change {number} where {expected} was due"
        expected = number + 1
    if follower.last != follower.topic.head:
        yield f"ended at {follower.last} of {follower.topic.head}"


steps = st.lists(
    st.one_of(
        st.tuples(st.just("write"), st.integers(1, 5), st.booleans()),
        st.tuples(st.just("lose"), st.just(0), st.just(False)),
        st.tuples(st.just("deliver"), st.integers(0, 9), st.booleans()),
        st.tuples(st.just("reconnect"), st.just(0), st.just(False)),
        st.tuples(st.just("clock"), st.just(0), st.just(False)),
        st.tuples(st.just("expire"), st.integers(0, 4), st.just(False)),
    ),
    max_size=60,
)


@settings(max_examples=300, deadline=None)
@given(steps, st.one_of(st.none(), st.integers(0, 3)))
def test_the_loop_tells_every_change_once_and_in_order(taken: list[tuple[str, int, bool]], after: int | None) -> None:
    topic = Topic([Change(seq) for seq in (1, 2, 3)])
    follower = Follower(topic, after)
    waiting: list[list[Change]] = []  # pushes that are under way
    follower.signal("connected")
    for what, number, flag in taken:
        match what:
            case "write":
                pushed = [Change(topic.head + 1 + place, flag and place == 0) for place in range(number)]
                topic.changes += pushed
                waiting.append(pushed)
            case "lose" if waiting:
                waiting.pop(0)
            case "deliver" if waiting:
                push = waiting[number % len(waiting)]  # also one that overtakes
                if not flag:  # otherwise it is delivered once more later
                    waiting.remove(push)
                follower.signal("push", push)
            case "reconnect":
                waiting.clear()
                follower.signal("lost")
                follower.signal("connected")
            case "clock":
                follower.signal("clock")
            case "expire":
                topic.kept_from = max(topic.kept_from, topic.head - number)
    follower.signal("clock")  # silence
    if follower.seen and follower.seen[0][0] == "change":
        follower.seen.insert(0, ("start", after or 0))
    assert list(complaints(follower)) == []


def test_the_model_can_fail() -> None:
    class Deaf(Follower):
        def catch_up(self) -> None:
            self.last = self.topic.head if self.last is None else self.last

    topic = Topic([Change(1), Change(2)])
    follower = Deaf(topic, 0)
    follower.signal("push", [Change(2)])
    assert list(complaints(follower)) == ["ended at 0 of 2"]
