"""What of a mapping is read, and what is refused because AWS would refuse it or it is not here."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from local.errors import NotEmulated
from local.event_sources.mappings import QueueMapping, StreamMapping, parse

DYNAMODB = "arn:aws:dynamodb:us-east-1:000000000000:table/Main/stream/2026-11-21T00:00:00.000"
KINESIS = "arn:aws:kinesis:us-east-1:000000000000:stream/readings"
QUEUE = "arn:aws:sqs:us-east-1:000000000000:jobs"
FIFO = QUEUE + ".fifo"


def described(source: str, **settings: Any) -> dict[str, Any]:
    """A mapping as Lambda's API describes it."""
    return {"UUID": "m-1", "EventSourceArn": source, "FunctionArn": "f", "State": "Enabled"} | settings


def stream(source: str = DYNAMODB, **settings: Any) -> StreamMapping:
    """A stream's mapping."""
    mapping = parse(described(source, **settings))
    assert isinstance(mapping, StreamMapping)
    return mapping


def queue(source: str = QUEUE, **settings: Any) -> QueueMapping:
    """A queue's mapping."""
    mapping = parse(described(source, **settings))
    assert isinstance(mapping, QueueMapping)
    return mapping


def test_defaults_are_those_of_the_source() -> None:
    assert (stream().batch_size, queue().batch_size, queue(FIFO).fifo) == (100, 10, True)
    assert (stream().maximum_retries, stream().maximum_age_seconds, stream().parallelization) == (None, None, 1)
    assert (stream().starting_position, stream().tumbling_seconds, stream().window_seconds) == ("TRIM_HORIZON", 0, 0)


def test_without_limit_is_minus_one_and_zero_is_a_limit() -> None:
    mapping = stream(MaximumRetryAttempts=-1, MaximumRecordAgeInSeconds=-1)
    assert (mapping.maximum_retries, mapping.maximum_age_seconds) == (None, None)
    assert stream(MaximumRetryAttempts=0).maximum_retries == 0


def test_a_templates_parameters_are_texts() -> None:
    mapping = stream(
        KINESIS, BatchSize="20", BisectBatchOnFunctionError="false", MaximumRetryAttempts="3",
        StartingPosition="AT_TIMESTAMP", StartingPositionTimestamp="1.5",
    )  # fmt: skip
    assert (mapping.batch_size, mapping.bisects, mapping.maximum_retries) == (20, False, 3)
    assert mapping.starting_timestamp == 1.5
    assert stream(BisectBatchOnFunctionError="true").bisects
    at = dt.datetime(2026, 11, 21, tzinfo=dt.UTC)
    assert (
        stream(KINESIS, StartingPosition="AT_TIMESTAMP", StartingPositionTimestamp=at).starting_timestamp
        == at.timestamp()
    )


def test_what_is_announced_names_the_table_or_the_arn() -> None:
    assert [stream().announced_as, stream(KINESIS).announced_as, queue().announced_as] == ["Main", KINESIS, QUEUE]


@pytest.mark.parametrize(
    "settings",
    [
        {"BatchSize": 10_000, "MaximumBatchingWindowInSeconds": 300}, {"ParallelizationFactor": 10},
        {"MaximumRecordAgeInSeconds": 60}, {"MaximumRecordAgeInSeconds": 604_800}, {"MaximumRetryAttempts": 10_000},
        {"TumblingWindowInSeconds": 900}, {"DestinationConfig": {"OnFailure": {}}}, {"ScalingConfig": {}},
    ],
)  # fmt: skip
def test_a_stream_takes(settings: dict[str, Any]) -> None:
    assert stream(**settings)


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"BatchSize": 10_001}, "1 to 10000"), ({"BatchSize": 0}, "1 to 10000"), ({"BatchSize": "many"}, "no number"),
        ({"MaximumBatchingWindowInSeconds": 301}, "0 to 300"), ({"ParallelizationFactor": 11}, "1 to 10"),
        ({"MaximumRecordAgeInSeconds": 59}, "60 to 604800"), ({"MaximumRetryAttempts": -2}, "0 to 10000"),
        ({"TumblingWindowInSeconds": 901}, "0 to 900"), ({"ScalingConfig": {"MaximumConcurrency": 2}}, "SQS queues"),
        ({"StartingPosition": "AT_TIMESTAMP", "StartingPositionTimestamp": 1}, "Kinesis only"),
        ({"StartingPosition": "EARLIEST"}, "TRIM_HORIZON"),
        ({"TumblingWindowInSeconds": 1, "ParallelizationFactor": 2}, "how they go together"),
        ({"KMSKeyArn": "arn"}, "not encrypted"), ({"SourceAccessConfigurations": [{}]}, "credentials"),
    ],
)  # fmt: skip
def test_a_stream_refuses(settings: dict[str, Any], reason: str) -> None:
    with pytest.raises(NotEmulated, match=reason):
        parse(described(DYNAMODB, **settings))


@pytest.mark.parametrize(
    ("source", "settings", "reason"),
    [
        (QUEUE, {"BatchSize": 11}, "must be 1 or more"), (FIFO, {"BatchSize": 11}, "1 to 10"),
        (QUEUE, {"BatchSize": 10_001, "MaximumBatchingWindowInSeconds": 1}, "1 to 10000"),
        (FIFO, {"MaximumBatchingWindowInSeconds": 1}, "FIFO"),
        (QUEUE, {"ScalingConfig": {"MaximumConcurrency": 1}}, "2 to 1000"),
        (QUEUE, {"ScalingConfig": {"MaximumConcurrency": 1001}}, "2 to 1000"),
        (QUEUE, {"MaximumRetryAttempts": 3}, "streams only"), (QUEUE, {"ParallelizationFactor": 2}, "streams only"),
        (QUEUE, {"BisectBatchOnFunctionError": True}, "streams only"),
        (QUEUE, {"TumblingWindowInSeconds": 5}, "streams only"),
        (QUEUE, {"DestinationConfig": {"OnFailure": {"Destination": "arn"}}}, "dead-letter queue"),
        (QUEUE, {"ProvisionedPollerConfig": {"MinimumPollers": 2}}, "not provisioned"),
    ],
)  # fmt: skip
def test_a_queue_refuses(source: str, settings: dict[str, Any], reason: str) -> None:
    with pytest.raises(NotEmulated, match=reason):
        parse(described(source, **settings))


def test_a_queue_may_have_a_streams_settings_at_their_defaults() -> None:
    assert queue(MaximumRetryAttempts=-1, ParallelizationFactor=1, BisectBatchOnFunctionError=False).batch_size == 10


@pytest.mark.parametrize(
    "source",
    ["", "arn:aws:kafka:us-east-1:000000000000:cluster/c/1", "arn:aws:mq:us-east-1:000000000000:broker:b",
     "arn:aws:rds:us-east-1:000000000000:cluster:documents", KINESIS + "/consumer/name:1",
     "arn:aws:dynamodb:us-east-1:000000000000:table/Main", "nonsense"],
)  # fmt: skip
def test_other_sources_are_refused(source: str) -> None:
    with pytest.raises(NotEmulated, match="polled are"):
        parse(described(source))


def test_a_kafka_of_ones_own_is_refused() -> None:
    with pytest.raises(NotEmulated, match="SelfManagedEventSource"):
        parse({"UUID": "m", "SelfManagedEventSource": {"Endpoints": {}}, "FunctionArn": "f"})
