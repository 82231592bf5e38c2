"""What Lambda documents of Kinesis data streams, asked of a deployed stack."""

from __future__ import annotations

import base64
import json
import time
from uuid import uuid4

from tests.event_sources.target import Event, Target


def texts(event: Event) -> list[str]:
    """The data of an event's records."""
    return [base64.b64decode(record["kinesis"]["data"]).decode() for record in event.records]


def ids(event: Event) -> list[str]:
    """The ids in an event's records."""
    return [json.loads(text)["id"] for text in texts(event) if text.startswith("{")]


def about(events: list[Event], *wanted: str) -> list[Event]:
    """The events with any of these ids."""
    return [event for event in events if set(ids(event)) & set(wanted)]


def record(**members: object) -> tuple[str, str]:
    """A record's id and text."""
    identifier = str(uuid4())
    return identifier, json.dumps({"id": identifier, **members})


def test_records_have_the_documented_members(target: Target) -> None:
    identifier, text = record()
    target.stream("Readings", text, key="a key")
    (event,) = about(target.wait("OnReadings", lambda events: bool(about(events, identifier))), identifier)
    found = next(one for one in event.records if base64.b64decode(one["kinesis"]["data"]).decode() == text)
    data = found["kinesis"]
    assert (data["kinesisSchemaVersion"], data["partitionKey"]) == ("1.0", "a key")
    assert abs(data["approximateArrivalTimestamp"] - time.time()) < 600
    assert isinstance(data["approximateArrivalTimestamp"], float)
    assert found["eventID"] == f"shardId-000000000000:{data['sequenceNumber']}"
    assert (found["eventSource"], found["eventVersion"]) == ("aws:kinesis", "1.0")
    assert found["eventName"] == "aws:kinesis:record"
    assert found["invokeIdentityArn"] == target.outputs["Role"]
    assert (found["awsRegion"], found["eventSourceARN"]) == (target.region, target.outputs["ReadingsArn"])


def test_a_batch_that_fails_again_is_described_to_a_queue(target: Target) -> None:
    identifier, text = record(do="raise", times=9)
    target.stream("Readings", text)
    events = target.wait("OnReadings", lambda events: len(about(events, identifier)) == 2)
    number = events[-1].records[-1]["kinesis"]["sequenceNumber"]
    message = json.loads(target.receive("Discarded", lambda body: number in body))
    assert message["version"] == "1.0"
    assert message["requestContext"]["condition"] == "RetryAttemptsExhausted"
    assert message["requestContext"]["approximateInvokeCount"] == 2
    info = message["KinesisBatchInfo"]
    assert info["shardId"] == "shardId-000000000000"
    assert (info["streamArn"], info["batchSize"]) == (target.outputs["ReadingsArn"], len(events[-1].records))
    assert "payload" not in message
    _, after = record()
    target.stream("Readings", after)
    target.wait("OnReadings", lambda events: any(after in texts(event) for event in events))


def test_filters_look_into_the_data_and_drop_what_is_no_json(target: Target) -> None:
    low, fits, high, alarm = (record(level=9), record(level=10.5), record(level=20), record(level=1, alarm=True))
    target.stream("Readings", low[1], "no JSON", high[1], fits[1], alarm[1])
    events = target.wait("OnSomeReadings", lambda events: bool(about(events, alarm[0])))
    assert about(events, fits[0])
    assert not about(events, low[0], high[0])
    assert not any("no JSON" in texts(event) for event in events)


def test_parallel_batches_keep_the_order_of_each_partition_key(target: Target) -> None:
    written = {key: [record(sleep=0.05) for _ in range(3)] for key in ("p", "q", "r")}
    for place in range(3):
        for key, records in written.items():
            target.stream("Readings", records[place][1], key=key)
    wanted = [identifier for records in written.values() for identifier, _ in records]
    events = target.wait("OnParallelReadings", lambda events: len(about(events, *wanted)) == len(wanted))
    for records in written.values():
        mine = [identifier for event in events for identifier in ids(event) if identifier in dict(records)]
        assert mine == [identifier for identifier, _ in records]


def test_a_tumbling_window_keeps_a_state_and_ends_with_it(target: Target) -> None:
    records = [record() for _ in range(3)]
    target.stream("Windows", *(text for _, text in records))
    wanted = [identifier for identifier, _ in records]

    def is_over(events: list[Event]) -> bool:
        finals = [event.body for event in events if event.body["isFinalInvokeForWindow"]]
        return set(wanted) <= {each for body in finals for each in body["state"].get("ids", [])}

    events = target.wait("OnWindows", is_over)
    for event in events:
        body = event.body
        assert body.keys() == {
            "Records", "window", "state", "shardId", "eventSourceARN", "isFinalInvokeForWindow",
            "isWindowTerminatedEarly",
        }  # fmt: skip
        assert (body["eventSourceARN"], body["shardId"]) == (target.outputs["WindowsArn"], "shardId-000000000000")
        assert body["isWindowTerminatedEarly"] is False
        start, end = (time.strptime(body["window"][name], "%Y-%m-%dT%H:%M:%SZ") for name in ("start", "end"))
        assert time.mktime(end) - time.mktime(start) == 5
        assert start.tm_sec % 5 == 0
        assert len(event.records) <= 2
    first = about(events, wanted[0])[0].body
    assert first["state"] == {}  # a window begins with an empty state
    finals = [event.body["state"]["ids"] for event in events if event.body["isFinalInvokeForWindow"]]
    assert [each for ids in finals for each in ids if each in wanted] == wanted
