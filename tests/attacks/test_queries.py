"""Operations that cost more to answer than to send: deep, wide, cyclic, doubled, repeated."""

from __future__ import annotations

import itertools
import json
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from graphql import get_introspection_query

from tests.attacks.target import Target
from tests.contract.api import Answer

pytestmark = pytest.mark.stack

SECONDS = 10.0
"""The longest that any of these may take, on a machine that is busy with other things."""
LARGEST_ANSWER = 1_000_000
"""Bytes. A request of a few kilobytes must not bring more than this."""


def nested(levels: int) -> str:
    """Fragments without a condition, one in the other."""
    return "{ rooms { items { " + "... { " * levels + "id" + " }" * levels + " } } }"


def types(levels: int) -> str:
    """Introspection that goes round: types of fields of types."""
    return "{ __schema { types { " + "fields { type { " * levels + "name" + " } }" * levels + " } } }"


def aliases(count: int, field: str) -> str:
    """The same field under many names."""
    return "{ " + " ".join(f"a{number}: {field}" for number in range(count)) + " }"


def doubling(levels: int, below: str) -> str:
    """Fragments that each spread the next one twice under two names: 2 to the power of `levels` fields."""
    spreads = " ".join(
        f"fragment f{level} on __Type {{ a: ofType {{ ...f{level + 1} }} b: ofType {{ ...f{level + 1} }} }}"
        for level in range(levels)
    )
    return f"{{ __schema {{ types {{ ...f0 }} }} }} {spreads} fragment f{levels} on __Type {{ {below} }}"


def cycle() -> str:
    """Two fragments that spread each other."""
    return "{ rooms { items { ...a } } } fragment a on Room { id ...b } fragment b on Room { ...a }"


def own_cycle() -> str:
    """A fragment that spreads itself inside a field."""
    return "{ __schema { types { ...a } } } fragment a on __Type { ofType { ...a } }"


# What it is, the query, how the message of its only error begins.
REFUSED: dict[str, tuple[str, str]] = {
    "500 levels of anything": ("{ a " * 500 + "}" * 500, "Unable to parse GraphQL query."),
    "10,000 levels": (nested(10_000), "Unable to parse GraphQL query."),
    "10,000 brackets": ("{ room(id: " + "[" * 10_000 + "]" * 10_000 + ") { id } }", "Unable to parse GraphQL query."),
    "20,000 fields": ("{ rooms { items { " + "id " * 20_000 + "} } }", "Maximum char length exceeded."),
    "20,000 aliases": (aliases(20_000, "__typename"), "Maximum char length exceeded."),
    "20,000 directives": ("{ __typename " + "@include(if: true) " * 20_000 + "}", "Maximum char length exceeded."),
    "2,000 directives at one place": (
        "{ __typename " + "@include(if: true) " * 2_000 + "}", "Validation error of type DuplicateDirectiveName",
    ),
    "a cycle": (cycle(), "Validation error of type FragmentCycle"),
    "a cycle of one": (own_cycle(), "Validation error of type FragmentCycle"),
    "fields that contradict each other": (
        "{ " + "".join(f'a: room(id: "{number}") {{ id }} ' for number in range(300)) + "}",
        "Validation error of type FieldsConflict",
    ),
    "unknown fragments": ("{ " + "...x " * 500 + "}", "Validation error of type UndefinedFragment"),
    "unknown directives": (
        "{ __typename @" + " @".join(f"d{number}" for number in range(500)) + " }", "Validation error of type",
    ),
    "3,000 variables": (
        "query (" + " ".join(f"$v{number}: Int" for number in range(3_000)) + ") { __typename }",
        "Validation error of type UnusedVariable",
    ),
}  # fmt: skip


def timed(attack: Callable[[], Answer]) -> Answer:
    """The answer, which must come in time and not be large."""
    began = time.monotonic()
    answer = attack()
    assert time.monotonic() - began < SECONDS
    assert len(answer.body) < LARGEST_ANSWER
    return answer


@pytest.mark.parametrize("name", REFUSED)
def test_it_is_refused_before_any_field_runs(target: Target, name: str) -> None:
    query, message = REFUSED[name]
    answer = timed(lambda: target.api.run(query))
    assert answer.status in {200, 400}
    assert answer.json.get("data") is None
    assert answer.errors[0]["message"].startswith(message), answer.body[:300]


@pytest.mark.parametrize(
    "body", [b"[]", b'[{"query": "{ __typename }"}]', json.dumps([{"query": "{ __typename }"}] * 1000).encode()]
)
def test_batched_operations_are_none(target: Target, body: bytes) -> None:
    answer = timed(lambda: target.api.post(body))
    assert (answer.status, answer.error["errorType"]) == (400, "MalformedHttpRequestException")
    assert target.api.post(b'{"query": "{ __typename }"}').data == {"__typename": "Query"}


@pytest.mark.parametrize(
    "query",
    [
        types(40),
        types(200),
        doubling(13, "name"),
        doubling(40, "name"),
        "{ " + "__schema { types { name } } " * 500 + " }",
    ],
    ids=["round 40", "round 200", "doubled 13", "doubled 40", "500 times"],
)
def test_introspection_is_no_amplifier(target: Target, query: str) -> None:
    answer = target.api.run(query)
    assert answer.status in {200, 400}
    assert len(answer.body) < 20 * LARGEST_ANSWER


@pytest.mark.parametrize(
    ("field", "headers"),
    [('room(id: "lobby") { id }', None), ('messages(roomId: "lobby") { nextToken }', None),
     ('messageChanges(roomId: "lobby", after: 0) { lastSeq }', None), ("me { id }", "user")],
)  # fmt: skip
def test_a_flood_of_aliases_is_answered_or_refused_as_a_whole(target: Target, field: str, headers: str | None) -> None:
    """The limit of resolvers per request is the template's; under it a flood costs what its fields cost."""
    credentials = target.ann.headers if headers else None
    for count in (10, 1_000):
        answer = target.api.run(aliases(count, field), headers=credentials)
        assert answer.status == 200
        if count == 10:
            assert len(answer.data) == count  # the twin
        else:
            told = {error["message"].split(":")[0][:40] for error in answer.json.get("errors", ())}
            assert told, "1,000 resolvers in one request, none refused"


def test_a_mutation_of_many_aliases_is_limited(target: Target) -> None:
    """Ninety messages go by one field; a thousand fields of one mutation would go round any limit of requests."""
    field = 'sendMessage(input: {roomId: "flooded", text: "x"}) { id }'
    answer = target.api.run("mutation " + aliases(1_000, field), headers=target.bob.headers)
    stored = [value for value in (answer.json.get("data") or {}).values() if value]
    assert len(stored) < 200, len(stored)


FLOODS: dict[str, Callable[[int], str]] = {
    "equal fields": lambda n: "{ " + f'a: room(id: "x{n}") {{ id }} ' * 1_200 + "}",
    "fields that do not exist": lambda n: "{ " + " ".join(f"x{n}x{each}" for each in range(10_000)) + " }",
    "aliases": lambda n: aliases(1_200, f'room(id: "x{n}") {{ id }}'),
}


@pytest.mark.parametrize("name", FLOODS)
def test_others_are_answered_while_a_flood_is(target: Target, name: str) -> None:
    """Large documents are read beside the event loop, and of many resolvers a few start at a time."""
    stop, sent = threading.Event(), itertools.count()

    def flood() -> None:
        while not stop.is_set():
            assert target.api.run(FLOODS[name](next(sent))).status in {200, 400}

    threads = [threading.Thread(target=flood) for _ in range(2)]
    for thread in threads:
        thread.start()
    times = []
    try:
        until = time.monotonic() + 4
        while time.monotonic() < until:
            began = time.monotonic()
            assert target.api.run("{ __typename }").data == {"__typename": "Query"}
            times.append(time.monotonic() - began)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert next(sent) > 1
    # Before that, each such document held everybody up for one to seven seconds.
    assert sorted(times)[int(len(times) * 0.95)] < 0.8, sorted(times)[-20:]
    assert len(times) > 15


def test_the_server_is_well_after_all_of_it(target: Target) -> None:
    """The twin of them all, last in this file: what an ordinary client asks."""
    found: Any = target.api.run(get_introspection_query()).data["__schema"]["queryType"]
    assert found["name"] == "Query"
    assert target.api.run(nested(5)).data["rooms"].keys() == {"items"}
    began = time.monotonic()
    assert target.api.run("{ __typename }").data == {"__typename": "Query"}
    assert time.monotonic() - began < 2
