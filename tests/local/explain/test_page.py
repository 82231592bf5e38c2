"""The page as people read it; docs/explain.md shows just this one."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

from rich.console import Console

from local.appsync import journal_report
from local.explain import page, tracer
from local.explain.facts import Facts, MappingState, Question, StreamRecord
from local.explain.stages import STAGES
from local.explain.ways import ways

DOCUMENT = Path(__file__).resolve().parents[3] / "docs" / "explain.md"

TRACE = "1-6b01570a-36d33d3f7bd682f3fd5706d1"
MAPPING = MappingState(
    "b0839b6b", "Enabled", None, "OK", (), "arn:aws:lambda:us-east-1:000000000000:function:publish", "arn/Main/stream/1"
)


def known(client: str | None = "94860b6c") -> Facts:
    """A message in the lobby, and a client that listens to the kitchen."""
    keys = {"pk": {"S": "MESSAGES#lobby#2026112108#0"}, "sk": {"S": "1795249930072#01M7YKQZTR9M"}}
    image = {**keys, "text": {"S": "hi"}, "traceId": {"S": TRACE}}
    images = {"Keys": keys, "SequenceNumber": "17952499300700000007", "NewImage": image}
    record = StreamRecord(
        {"eventID": "af56609e", "eventName": "INSERT", "dynamodb": images},
        "2026-11-21T08:32:10.000Z", matches=True, passed=True, item=image,
    )  # fmt: skip
    change = {
        "seq": 4, "eventId": "af56609e", "kind": "INSERT", "at": "2026-11-21T08:32:10.088Z", "traceId": TRACE,
        "key": "01M7YKQZTR9M", "truncated": False,
    }  # fmt: skip
    missed: list[dict[str, Any]] = [
        {
            "connection": "94860b6c-6fee-4c4a-be03-530da0d5734b", "subscription": "1", "identity": "API_KEY",
            "library": "gql", "field": "onMessages", "arguments": {"roomId": "kitchen"}, "verdict": "filtered",
            "reason": 'topic is "room:lobby", wanted "room:kitchen"', "at": None,
        }
    ]  # fmt: skip
    publish = {
        "at": "2026-11-21T08:32:10.096Z", "mutation": "publishMessages", "subscriptionFields": ["onMessages"],
        "arguments": {"topic": "room:lobby"}, "requestId": "c7a151d4", "caller": "AWS_IAM", "size": 443, "errors": [],
        "oversized": False, "writtenAt": "2026-11-21T08:32:10.096Z", "matched": 1, "dropped": 0, "receivers": [],
        "missed": missed, "verdicts": {"delivered": 1}, "missedVerdicts": {"filtered": 1}, "eventIds": ["af56609e"],
    }  # fmt: skip
    attempt = {
        "requestId": "a2c9b877", "startedAt": "2026-11-21T08:32:10.081Z", "endedAt": "2026-11-21T08:32:10.101Z",
        "records": 1, "position": 0, "outcome": "OK", "error": None, "log": [], "attempts": 1,
    }  # fmt: skip
    return Facts(
        Question("room:lobby", 5, client),
        MAPPING,
        [record],
        {"mutation": "publishMessages", "headSeq": 4, "headAt": change["at"], "changes": [change], "parked": []},
        None,
        {"af56609e": {"outcome": "ROUTED", "topics": ["room:lobby"], "key": "01M7YKQZTR9M", "reason": None}},
        {"records": {"af56609e": attempt}, "lastFailure": None},
        {"since": "2026-11-21T08:00:00.000Z", "publishes": [publish], "refusals": [], "clients": [{}]},
        "2026-11-21T08:31:56.000Z",
    )


def shown(facts: Facts, width: int = 110) -> str:
    """The page as text, without the blanks at the ends of its lines."""
    output = io.StringIO()
    page.show(Console(file=output, width=width, highlight=False, color_system=None), facts, ways(facts))
    return "\n".join(line.rstrip() for line in output.getvalue().splitlines()).strip("\n")


def test_the_document_shows_a_real_page() -> None:
    assert (
        f"```text\n$ python -m local explain room:lobby --client 94860b6c\n{shown(known())}\n```"
        in DOCUMENT.read_text()
    )


def test_the_document_names_every_stage_and_every_verdict() -> None:
    document = DOCUMENT.read_text()
    for stage in STAGES:
        assert f"| {stage} |" in document
    for verdict in tracer.CLOSEST:
        assert f"| `{verdict}` |" in document
        assert f"    {verdict} " in (journal_report.__doc__ or "")


def test_a_page_is_readable_on_a_narrow_terminal() -> None:
    assert max(map(len, shown(known(), 72).splitlines())) <= 72


def test_nothing_to_follow() -> None:
    facts = known()
    empty = Facts(
        Question("room:x", 5), facts.mapping, [], {**(facts.publisher or {}), "changes": [], "headSeq": 0}, None
    )
    assert "Nothing was ever written that room:x is told of" in shown(empty)
