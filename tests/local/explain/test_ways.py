"""From facts to the stage where a change ended: what a real instance shows rarely or late."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from local.explain.facts import Facts, MappingState, Question, StreamRecord
from local.explain.stages import Way
from local.explain.ways import problems, ways

TOPIC = "room:lobby"
MAPPING = MappingState("uuid", "Enabled", None, None, (), "arn:aws:lambda:::function:publish", "arn/Main/stream/1")


def record(number: int, **about: Any) -> StreamRecord:
    keys = {"pk": {"S": "P"}, "sk": {"S": f"s{number}"}}
    image = {"Keys": keys, "SequenceNumber": str(number), "NewImage": keys}
    event = {"eventID": f"e{number}", "eventName": "INSERT", "dynamodb": image}
    members = {"created": f"2026-11-21T09:00:{number:02}.000Z", "matches": True, "passed": True, **about}
    return StreamRecord(event, **members)


def change(seq: int, number: int | None = None) -> dict[str, Any]:
    place, at = number or seq, f"2026-11-21T09:00:{seq:02}.500Z"
    return {
        "seq": seq, "eventId": f"e{place}", "kind": "INSERT", "at": at, "traceId": "1-a", "key": f"k{place}",
        "truncated": False,
    }  # fmt: skip


def routed(number: int, outcome: str = "ROUTED", **more: Any) -> dict[str, Any]:
    return {"eventId": f"e{number}", "outcome": outcome, "topics": [TOPIC], "key": f"k{number}", "reason": None, **more}


def publish(number: int, **more: Any) -> dict[str, Any]:
    return {
        "at": f"2026-11-21T09:00:{number:02}.600Z", "mutation": "publishMessages", "subscriptionFields": ["onMessages"],
        "arguments": {"topic": TOPIC}, "requestId": "r", "caller": "AWS_IAM", "size": 10, "errors": [],
        "oversized": False,
        "writtenAt": "2026-11-21T09:00:59.000Z", "matched": 1, "dropped": 0, "receivers": [], "missed": [],
        "verdicts": {}, "missedVerdicts": {},
        "eventIds": [f"e{number}"], **more,
    }  # fmt: skip


def attempt(outcome: str = "OK", **more: Any) -> dict[str, Any]:
    return {
        "function": MAPPING.function, "requestId": "q", "startedAt": "2026-11-21T09:00:30.000Z", "endedAt": None,
        "records": 1, "position": 0, "outcome": outcome, "error": None, "log": [], "attempts": 1, **more,
    }  # fmt: skip


def facts(
    *records: StreamRecord,
    changes: tuple[dict[str, Any], ...] = (),
    routing: tuple[dict[str, Any], ...] = (),
    publishes: tuple[dict[str, Any], ...] = (),
    invocations: dict[str, Any] | None = None,
    refusals: tuple[dict[str, Any], ...] = (),
    client: str | None = None,
    **more: Any,
) -> Facts:
    head = max((each["seq"] for each in changes), default=0)
    publisher = {"mutation": "publishMessages", "headSeq": head, "headAt": None, "changes": list(changes), "parked": []}
    plane = {
        "since": "2026-11-21T08:00:00.000Z",
        "publishes": list(publishes),
        "refusals": list(refusals),
        "clients": None,
    }
    return Facts(
        Question(TOPIC, 10, client),
        MAPPING,
        records,
        publisher | more,
        None,
        {each["eventId"]: each for each in routing},
        {"records": invocations or {}, "lastFailure": None},
        plane,
        "2026-11-21T08:30:00.000Z",
    )


def only(found: list[Way]) -> tuple[str, str, str]:
    """Where the one change ended."""
    [way] = found
    ended = way.ended
    assert ended is not None, way.stages
    return ended.name, ended.verdict, ended.text


class TestLog:
    def test_nothing_changed_that_the_api_shows(self) -> None:
        known = facts(record(1), routing=(routed(1, "UNCHANGED"),), invocations={"e1": attempt()})
        assert only(ways(known)) == (
            "change log", "stopped", "nothing changed that the API shows, so there is no change",
        )  # fmt: skip

    def test_a_later_change_of_the_item_stands_for_it(self) -> None:
        later = {**change(1, 2), "key": "k1"}
        known = facts(record(1), record(2), changes=(later,), routing=(routed(1), routed(2)), publishes=(publish(2),))
        first = next(way for way in ways(known) if way.event_id == "e1")
        assert first.ended is not None
        assert first.ended.text == "a later change of the same item stands for it: number 1"

    def test_the_mapping_gave_up_on_it(self) -> None:
        name, _, text = only(ways(facts(record(1), routing=(routed(1),))))
        assert name == "change log"
        assert text == "the mapping gave up on it: python -m local redrive replay --all takes in what it left"

    def test_one_that_cannot_be_shown_and_is_not_parked(self) -> None:
        poison = routed(1, "POISON", reason={"type": "WrongType", "message": "text must be a text"})
        assert only(ways(facts(record(1), routing=(poison,))))[2].endswith(": WrongType: text must be a text")

    def test_a_change_too_large_for_a_push_is_told_as_a_pointer(self) -> None:
        known = facts(record(1), changes=({**change(1), "truncated": True},), routing=(routed(1),))
        [way] = ways(known)
        assert any("a pointer" in stage.text for stage in way.stages)


class TestWaiting:
    def test_other_records_are_before_it(self) -> None:
        known = facts(record(1, passed=False), record(2, passed=False), routing=(routed(2),))
        assert only(ways(known)) == ("mapping", "waiting", "1 records wait before it")

    def test_behind_a_failed_record_of_its_batch(self) -> None:
        behind = attempt("BEHIND", error="the function reported it as failed", log=["ERROR no"])
        known = facts(record(1, passed=False), routing=(routed(1),), invocations={"e1": behind})
        name, _, text = only(ways(known))
        assert name == "publisher"
        assert text.endswith("it comes again behind a record of its batch that failed; ERROR no")

    def test_the_publisher_is_at_it_and_appsync_refuses(self) -> None:
        refusal = {
            "at": "2026-11-21T09:00:31.000Z", "requestId": "x", "status": 429,
            "errorType": "TooManyRequestsException", "message": "Rate exceeded", "query": "",
        }  # fmt: skip
        known = facts(
            record(1, passed=False), routing=(routed(1),), invocations={"e1": attempt("RUNNING")}, refusals=(refusal,)
        )
        name, verdict, text = only(ways(known))
        assert (name, verdict) == ("publisher", "waiting")
        assert "AppSync answers 429 TooManyRequestsException: Rate exceeded" in text


class TestForgotten:
    def test_what_was_published_before_the_instance_started(self) -> None:
        known = facts(changes=(change(1),))
        known = replace(known, plane={**known.plane, "since": "2026-11-21T10:00:00.000Z"})
        [way] = ways(known)
        assert way.ended is None
        assert [stage.verdict for stage in way.stages if stage.name in ("publish", "delivery")] == ["unknown"] * 2
        assert "before this instance started" in way.stages[5].text

    def test_records_before_the_changes_that_were_told_are_left_out_but_not_parked_ones(self) -> None:
        records = (record(1), record(2), record(9))
        known = facts(
            *records, changes=(change(9, 9),), routing=(routed(1), routed(2, "PARKED"), routed(9)), headSeq=500
        )
        assert [way.event_id for way in ways(known)] == ["e9", "e2"]


class TestOrder:
    def test_the_newest_first_and_no_more_than_asked(self) -> None:
        records = [replace(record(number), created="2026-11-21T09:00:00.000Z", passed=False) for number in range(1, 15)]
        known = facts(*records, routing=tuple(routed(number) for number in range(1, 15)))
        assert [way.event_id for way in ways(known)] == [f"e{number}" for number in range(14, 4, -1)]

    @pytest.mark.parametrize("name", ["3", "e3", "k3"])
    def test_the_one_that_was_asked_for(self, name: str) -> None:
        known = facts(changes=tuple(change(number) for number in range(1, 5)))
        known = replace(known, asked=replace(known.asked, change=name))
        assert [way.seq for way in ways(known)] == [3]


class TestClient:
    def test_the_subscription_that_came_closest_explains(self) -> None:
        outcomes = [
            {"connection": "c", "subscription": "1", "verdict": "other-field", "reason": "no", "at": None},
            {"connection": "c", "subscription": "2", "verdict": "unsubscribed", "reason": "stop", "at": None},
        ]
        known = facts(changes=(change(1),), publishes=(publish(1, missed=outcomes),), client="c")
        known = replace(known, plane={**known.plane, "clients": [{}]})
        assert only(ways(known)) == ("delivery", "stopped", "unsubscribed: stop (c 2, subscription)")

    def test_one_that_is_unknown(self) -> None:
        known = facts(changes=(change(1),), publishes=(publish(1),), client="c")
        known = replace(known, plane={**known.plane, "clients": []})
        assert only(ways(known))[2].startswith("it never connected: ")


class TestDelivery:
    def test_one_of_many_that_did_not_get_it(self) -> None:
        receivers = [
            {"connection": "a", "subscription": "1", "verdict": "delivered", "reason": "", "at": None},
            {"connection": "b", "subscription": "1", "verdict": "unread", "reason": "9 bytes wait", "at": None},
        ]
        verdicts = {"delivered": 1, "unread": 1}
        known = facts(changes=(change(1),), publishes=(publish(1, receivers=receivers, matched=3, verdicts=verdicts),))
        told = "frames: 1 delivered, 1 unread, 1 of clients that are forgotten; b 1: 9 bytes wait"
        assert only(ways(known))[2] == told


class TestProblems:
    def test_a_publisher_that_cannot_be_asked(self) -> None:
        known = replace(facts(record(1, passed=False)), publisher=None, publisher_error="boom")
        assert problems(known)[0] == "The publisher cannot be asked: boom"
        assert [way.event_id for way in ways(known)] == ["e1"]

    def test_its_last_failure(self) -> None:
        failed = attempt("FAILED", error="RuntimeError: boom", log=["ERROR no"], endedAt="2026-11-21T09:00:00.000Z")
        known = replace(facts(), invocations={"records": {}, "lastFailure": failed})
        assert problems(known) == [
            "The publisher's last invocation failed at 2026-11-21T09:00:00.000Z: RuntimeError: boom; ERROR no"
        ]
