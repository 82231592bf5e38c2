"""Domain events on their way to EventBridge: ten at a time, in pieces of 256 KB, some of them again."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from domain.event_bus import BusError, DomainEvent, EventBus
from tests.backend.domain.clocks import Quick


class Bridge:
    """Takes entries as EventBridge does. `answer` says of each request which entries fail, and with what."""

    def __init__(self, answer: Callable[[Sequence[str]], Mapping[str, str]] = lambda _: {}) -> None:
        self.requests: list[list[str]] = []
        self.taken: list[dict[str, Any]] = []
        self._answer = answer

    def put_events(self, *, Entries: Sequence[Mapping[str, Any]]) -> dict[str, Any]:  # noqa: N803 - boto3's name
        assert 1 <= len(Entries) <= 10
        sizes = [len(each["Detail"].encode()) for each in Entries]
        assert sum(sizes) <= 256 * 1024
        ids = [json.loads(each["Detail"])["id"] for each in Entries]
        self.requests.append(ids)
        failed = self._answer(ids)
        self.taken += [dict(each) for each, name in zip(Entries, ids, strict=True) if name not in failed]
        entries = [{"ErrorCode": failed[name]} if name in failed else {"EventId": "x"} for name in ids]
        return {"FailedEntryCount": len(failed), "Entries": entries}


def event(name: str, size: int = 10) -> DomainEvent:
    return DomainEvent(name, "headwater.shop", "OrderPlaced", 1_795_262_400_000, {"text": "x" * size})


def names(bridge: Bridge) -> list[str]:
    return [json.loads(each["Detail"])["id"] for each in bridge.taken]


def test_an_entry_says_what_happened() -> None:
    bridge = Bridge()
    assert EventBus("bus", bridge, Quick()).put([event("e1", 2)], 10.0) == {}
    (entry,) = bridge.taken
    assert entry.pop("Time").isoformat() == "2026-11-21T12:00:00+00:00"
    assert json.loads(entry.pop("Detail")) == {"id": "e1", "text": "xx"}
    assert entry == {"EventBusName": "bus", "Source": "headwater.shop", "DetailType": "OrderPlaced"}


def test_requests_have_up_to_ten_entries_and_256_kb() -> None:
    bridge = Bridge()
    some = [event(f"e{number}", 100_000 if number < 4 else 10) for number in range(25)]
    assert EventBus("bus", bridge, Quick()).put(some, 10.0) == {}
    assert names(bridge) == [each.id for each in some]
    assert [len(each) for each in bridge.requests] == [2, 10, 10, 3]


def test_only_what_was_not_taken_is_put_again() -> None:
    answers: Iterator[Mapping[str, str]] = iter(
        [{"e1": "ThrottlingException", "e2": "InternalFailure"}, {"e2": "InternalFailure"}, {}]
    )
    bridge = Bridge(lambda _: next(answers))
    assert EventBus("bus", bridge, Quick()).put([event(f"e{number}") for number in range(3)], 10.0) == {}
    assert bridge.requests == [["e0", "e1", "e2"], ["e1", "e2"], ["e2"]]


def test_what_will_never_be_taken_stops_no_other() -> None:
    bridge = Bridge(lambda ids: {"bad": "MalformedDetail"} if "bad" in ids else {})
    refused = EventBus("bus", bridge, Quick()).put([event("bad"), event("good"), event("long", 300_000)], 10.0)
    assert refused.keys() == {"bad", "long"}
    assert names(bridge) == ["good"]


@pytest.mark.parametrize(
    "error",
    [
        ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no"}}, "PutEvents"),
        EndpointConnectionError(endpoint_url="https://events"),
    ],
)
def test_a_bus_that_does_not_answer_is_tried_until_the_deadline(error: Exception) -> None:
    def fail(_: Sequence[str]) -> Mapping[str, str]:
        raise error

    bridge = Bridge(fail)
    with pytest.raises(BusError, match="1 events could not be put on bus"):
        EventBus("bus", bridge, Quick()).put([event("e1")], 2.0)
    assert 1 < len(bridge.requests) < 20


def test_entries_that_are_never_taken_now_are_given_up_at_the_deadline() -> None:
    with pytest.raises(BusError, match="ThrottlingException"):
        EventBus("bus", Bridge(lambda ids: dict.fromkeys(ids, "ThrottlingException")), Quick()).put([event("e1")], 1.0)
