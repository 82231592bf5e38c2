"""What Lambda documents of SQS queues, asked of a deployed stack."""

from __future__ import annotations

import hashlib
import json
from uuid import uuid4

import pytest

from tests.event_sources.target import Event, Target


def bodies(event: Event) -> list[str]:
    """The bodies of an event's messages."""
    return [record["body"] for record in event.records]


def about(events: list[Event], *texts: str) -> list[Event]:
    """The events with any of these bodies."""
    return [event for event in events if set(bodies(event)) & set(texts)]


def message(**members: object) -> str:
    """A message's body."""
    return json.dumps({"id": str(uuid4()), **members})


def test_messages_have_the_documented_members_and_are_deleted(target: Target) -> None:
    text = message()
    attribute = {"colour": {"DataType": "String", "StringValue": "blue"}}
    target.client("sqs").send_message(QueueUrl=target.outputs["Jobs"], MessageBody=text, MessageAttributes=attribute)
    (event,) = about(target.wait("OnJobs", lambda events: bool(about(events, text))), text)
    found = next(record for record in event.records if record["body"] == text)
    assert found["attributes"]["ApproximateReceiveCount"] == "1"
    assert {"SentTimestamp", "SenderId", "ApproximateFirstReceiveTimestamp"} <= found["attributes"].keys()
    assert found["messageAttributes"] == {
        "colour": {"stringValue": "blue", "stringListValues": [], "binaryListValues": [], "dataType": "String"}
    }
    assert found["md5OfBody"] == hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
    assert (found["eventSource"], found["eventSourceARN"]) == ("aws:sqs", target.outputs["JobsArn"])
    assert found["awsRegion"] == target.region
    assert found["messageId"]
    assert found["receiptHandle"]
    _until_empty(target, "Jobs")


def _until_empty(target: Target, queue: str) -> None:
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    sqs, url = target.client("sqs"), target.outputs[queue]
    target.until(
        lambda: sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"].values(),
        lambda counts: set(counts) == {"0"},
    )


def test_only_a_reported_message_comes_again(target: Target) -> None:
    good, bad = message(), message(do="report")
    target.send("Jobs", good, bad)
    events = target.wait("OnJobs", lambda events: len(about(events, bad)) == 2)
    assert len(about(events, good)) == 1
    again = next(record for record in about(events, bad)[1].records if record["body"] == bad)
    assert again["attributes"]["ApproximateReceiveCount"] == "2"


def test_a_failed_message_comes_again_and_then_goes_to_its_dead_letter_queue(target: Target) -> None:
    poison = message(do="raise", times=9)
    target.send("Jobs", poison)
    assert target.receive("DeadJobs", lambda body: body == poison) == poison
    events = about(target.events("OnJobs"), poison)
    assert len(events) == 2  # its maxReceiveCount
    assert (events[1].started - events[0].started) / 1e9 > 2.5  # the queue's visibility timeout, of three seconds


@pytest.mark.parametrize(
    "answer",
    ["no object", {"batchItemFailures": [{"itemIdentifier": None}]}, {"batchItemFailures": [{"id": "x"}]},
     {"batchItemFailures": [{"itemIdentifier": "no message"}]}],
)  # fmt: skip
def test_a_malformed_answer_fails_the_batch(target: Target, answer: object) -> None:
    text = message(do="answer", answer=answer)
    target.send("Jobs", text)
    target.wait("OnJobs", lambda events: len(about(events, text)) == 2)


def test_what_a_filter_leaves_out_is_deleted(target: Target) -> None:
    wanted, other, plain = message(kind="wanted"), message(kind="other"), f"plain {uuid4()}"
    target.send("SortedJobs", other, plain, wanted)
    events = target.wait("OnSortedJobs", lambda events: bool(about(events, wanted)))
    _until_empty(target, "SortedJobs")
    assert not about(events, other, plain)
    assert not about(target.events("OnSortedJobs"), other, plain)


def test_a_window_collects_more_than_a_receive_returns(target: Target) -> None:
    sent = [message() for _ in range(30)]
    target.send("CollectedJobs", *sent)
    events = target.wait(
        "OnCollectedJobs", lambda events: {body for event in events for body in bodies(event)} >= set(sent)
    )
    assert len(about(events, *sent)) <= 6  # of ten, as they are received, there would be three in 300 ms and more later
    assert max(len(event.records) for event in events) > 10


def test_maximum_concurrency_is_kept(target: Target) -> None:
    sent = [message(sleep=0.5) for _ in range(8)]
    target.send("LimitedJobs", *sent)
    events = about(target.wait("OnLimitedJobs", lambda events: len(about(events, *sent)) == len(sent)), *sent)
    for event in events:
        assert sum(other.started <= event.started < other.ended for other in events) <= 2


def test_a_message_group_keeps_its_order_and_waits_for_what_failed(target: Target) -> None:
    first, second, third = message(do="report"), message(), message()
    other = message()
    target.send("OrderedJobs", first, MessageGroupId="a")
    target.wait("OnOrderedJobs", lambda events: bool(about(events, first)))
    target.send("OrderedJobs", second, third, MessageGroupId="a")
    target.send("OrderedJobs", other, MessageGroupId="b")
    events = target.wait("OnOrderedJobs", lambda events: bool(about(events, third)))
    group = [body for event in events for body in bodies(event) if body in {first, second, third}]
    assert group == [first, first, second, third]
    retried = about(events, first)[1]
    assert about(events, other)[0].started < retried.started  # another group did not wait
    attributes = retried.records[0]["attributes"]
    assert attributes["MessageGroupId"] == "a"
    assert {"SequenceNumber", "MessageDeduplicationId"} <= attributes.keys()
