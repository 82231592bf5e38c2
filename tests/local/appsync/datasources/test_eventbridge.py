"""The EventBridge data source on a real MiniStack; a queue behind a rule shows what arrived."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from local.appsync.datasources import DataSourceError
from local.appsync.datasources.eventbridge import EventBridgeDataSource
from tests.local.appsync.datasources.contexts import context

SECONDS = 10.0


@dataclass(frozen=True)
class Bus:
    """A bus whose events all go to a queue."""

    source: EventBridgeDataSource
    sqs: Any
    queue_url: str

    def arrived(self, count: int) -> list[dict[str, Any]]:
        """The next events, each as EventBridge delivers it."""
        events: list[dict[str, Any]] = []
        deadline = time.monotonic() + SECONDS
        while len(events) < count and time.monotonic() < deadline:
            answer = self.sqs.receive_message(QueueUrl=self.queue_url, MaxNumberOfMessages=10, WaitTimeSeconds=1)
            events += [json.loads(message["Body"]) for message in answer.get("Messages", ())]
        return events


@pytest.fixture
def bus(aws_endpoint: str) -> Iterator[Bus]:
    session = boto3.Session("test", "test", region_name="us-east-1")
    events: Any = session.client("events", endpoint_url=aws_endpoint)
    sqs: Any = session.client("sqs", endpoint_url=aws_endpoint)
    name = f"bus-{uuid.uuid4()}"
    arn = events.create_event_bus(Name=name)["EventBusArn"]
    queue_url = sqs.create_queue(QueueName=name)["QueueUrl"]
    queue_arn = sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    pattern = json.dumps({"source": [{"prefix": ""}]})
    events.put_rule(Name=name, EventBusName=name, EventPattern=pattern)
    events.put_targets(Rule=name, EventBusName=name, Targets=[{"Id": "q", "Arn": queue_arn}])
    yield Bus(EventBridgeDataSource(arn, client=lambda _: events), sqs, queue_url)
    sqs.delete_queue(QueueUrl=queue_url)


def event(**more: Any) -> dict[str, Any]:
    return {"source": "chat", "detailType": "MessageSent", "detail": {"n": 1}, **more}


def put(*events: Any) -> dict[str, Any]:
    return {"operation": "PutEvents", "events": list(events)}


async def test_events_arrive_on_the_bus(bus: Bus) -> None:
    result = await bus.source.call(put(event(), event(detail={"ü": [None]}, resources=["arn:r"])), context())

    assert list(result) == ["Entries", "FailedEntryCount"]
    assert result["FailedEntryCount"] == 0
    assert [set(entry) for entry in result["Entries"]] == [{"EventId"}, {"EventId"}]
    arrived = {each["id"]: each for each in bus.arrived(2)}
    first, second = (arrived[entry["EventId"]] for entry in result["Entries"])
    assert (first["source"], first["detail-type"], first["detail"]) == ("chat", "MessageSent", {"n": 1})
    assert (second["detail"], second["resources"]) == ({"ü": [None]}, ["arn:r"])


async def test_entries_that_are_refused_are_no_error(bus: Bus) -> None:
    result = await bus.source.call(put(event(source="aws.s3"), event()), context())
    assert result["FailedEntryCount"] == 1
    assert result["Entries"][0]["ErrorCode"] == "NotAuthorizedForSourceException"
    assert set(result["Entries"][1]) == {"EventId"}


async def test_ten_events_are_the_most(bus: Bus) -> None:
    assert len((await bus.source.call(put(*[event()] * 10), context()))["Entries"]) == 10
    for count, bound in ((11, "less than or equal to 10"), (0, "greater than or equal to 1")):
        with pytest.raises(DataSourceError, match=bound) as error:
            await bus.source.call(put(*[event()] * count), context())
        assert error.value.type == "EventBridge:EventBridgeException"
        assert not error.value.request_rejected


async def test_a_time_may_be_given(bus: Bus) -> None:
    result = await bus.source.call(put(event(time="2026-01-01T00:30:00.000Z")), context())
    assert result["FailedEntryCount"] == 0


@pytest.mark.parametrize(
    ("request_object", "message"),
    [
        (None, "Value for field '$[operation]' not found."),
        ({"operation": "GetItem"}, "Unsupported operation 'GetItem'."),
        ({"operation": "PutEvents"}, "Value for field '$[events]' not found."),
        ({"operation": "PutEvents", "events": {}}, "Value for field '$[events]' is no list."),
        (put("x"), "Value for field '$[events][0]' is no object."),
        (put(event(), {"detail": {}, "detailType": "t"}), "Value for field '$[events][1][source]' not found."),
        (put({"source": "s", "detail": {}}), "Value for field '$[events][0][detailType]' not found."),
        (put({"source": "s", "detailType": "t"}), "Value for field '$[events][0][detail]' not found."),
        (put(event(detail="{}")), "Value for field '$[events][0][detail]' is no object."),
        (put(event(source=1)), "Value for field '$[events][0][source]' is no string."),
        (put(event(resources="r")), "Value for field '$[events][0][resources]' is no list."),
        (put(event(time="2026-01-01")), "Value for field '$[events][0][time]' is no RFC 3339 timestamp."),
        (put({**event(), "detail-type": "t"}), "Unsupported element '$[events][0][detail-type]' inside an event."),
    ],
    ids=str,
)
async def test_what_is_no_request_is_rejected(request_object: Any, message: str) -> None:
    def no_client(_service: str) -> Any:
        raise AssertionError("nothing is sent")

    with pytest.raises(DataSourceError) as error:
        await EventBridgeDataSource("arn", client=no_client).call(request_object, context())
    assert (error.value.message, error.value.type) == (message, "MappingTemplate")
    assert error.value.request_rejected


class Refusing:
    """boto3's client for a role without `events:PutEvents`; MiniStack as it is enforces no policies."""

    def __init__(self, code: str) -> None:
        self.code = code

    def put_events(self, **_arguments: Any) -> Any:
        answer: Any = {
            "Error": {"Code": self.code, "Message": "no right"},
            "ResponseMetadata": {"HTTPStatusCode": 400, "RequestId": "r"},
        }
        raise ClientError(answer, "PutEvents")


@pytest.mark.parametrize(
    ("code", "kind"),
    [("AccessDeniedException", "EventBridgeException"), ("InternalException", "InternalException")],
)
async def test_what_eventbridge_refuses_is_an_error_of_the_sdks_class(code: str, kind: str) -> None:
    with pytest.raises(DataSourceError) as error:
        await EventBridgeDataSource("arn", client=lambda _: Refusing(code)).call(put(event()), context())
    assert error.value.type == f"EventBridge:{kind}"
    assert error.value.message == "no right (Service: EventBridge, Status Code: 400, Request ID: r)"
