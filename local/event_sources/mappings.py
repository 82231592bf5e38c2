"""Event source mappings as Lambda's API describes them, read with the limits that it documents.

https://docs.aws.amazon.com/lambda/latest/api/API_CreateEventSourceMapping.html
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping as Dictionary
from dataclasses import dataclass
from typing import Any

from local.errors import NotEmulated

ENABLED_STATES = frozenset({"Enabled", "Enabling", "Creating", "Updating"})


@dataclass(frozen=True)
class Mapping:
    """What every mapping has. `source` is the ARN of the stream or queue; windows are in seconds."""

    uuid: str
    source: str
    function_arn: str
    enabled: bool
    batch_size: int
    window_seconds: float
    patterns: tuple[str, ...]
    reports_item_failures: bool

    @property
    def service(self) -> str:
        """`dynamodb`, `kinesis` or `sqs`."""
        return self.source.split(":")[2]

    @property
    def announced_as(self) -> str:
        """By what name the cloud announces that the source has something new: a table's name, or the source's ARN."""
        return self.source.split("/")[1] if self.service == "dynamodb" else self.source


@dataclass(frozen=True)
class StreamMapping(Mapping):
    """A DynamoDB or Kinesis stream's mapping. Times are epoch seconds; None means without limit.

    https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-params.html and
    https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-parameters.html
    """

    starting_position: str
    starting_timestamp: float | None
    parallelization: int
    bisects: bool
    maximum_retries: int | None
    maximum_age_seconds: float | None
    tumbling_seconds: int
    on_failure: str | None


@dataclass(frozen=True)
class QueueMapping(Mapping):
    """A queue's mapping. https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-parameters.html"""

    maximum_concurrency: int | None

    @property
    def fifo(self) -> bool:
        """Whether its queue keeps messages in order."""
        return self.source.endswith(".fifo")


# Properties that change what a mapping does and are not here. Each with the reason that is given.
_MISSING = {
    "ProvisionedPollerConfig": "pollers are not provisioned here",
    "SelfManagedEventSource": "there is no Apache Kafka here",
    "AmazonManagedKafkaEventSourceConfig": "there is no Apache Kafka here",
    "SelfManagedKafkaEventSourceConfig": "there is no Apache Kafka here",
    "DocumentDBEventSourceConfig": "there is no DocumentDB here",
    "SourceAccessConfigurations": "no source here needs credentials",
    "Topics": "there is no Apache Kafka here",
    "Queues": "there is no Amazon MQ here",
    "KMSKeyArn": "filter criteria are not encrypted here",
}
_STREAMS_ONLY: dict[str, tuple[int, ...]] = {
    "ParallelizationFactor": (1,), "BisectBatchOnFunctionError": (False,), "MaximumRetryAttempts": (-1, 10000),
    "MaximumRecordAgeInSeconds": (-1, 604800), "TumblingWindowInSeconds": (0,),
}  # fmt: skip
"""What a queue's mapping may have at its default only. (-1, and the numbers by which AWS once said "infinite".)"""


def parse(description: Dictionary[str, Any]) -> StreamMapping | QueueMapping:
    """Read one mapping of ListEventSourceMappings.

    Raises:
        NotEmulated: its source or one of its properties is not known here, or is none that AWS would take.
    """
    arn = description.get("EventSourceArn") or ""
    name = f"Event source mapping {description['UUID']} ({arn or 'self-managed source'})"
    for property_, reason in _MISSING.items():
        if description.get(property_):
            raise NotEmulated(f"{name} with {property_}", reason)
    service = (arn.split(":") + [""] * 3)[2]
    if service == "sqs":
        return _queue(_Values(name, description), arn)
    if service == "kinesis" and ":stream/" in arn and "/consumer/" not in arn:
        return _stream(_Values(name, description), arn)
    if service == "dynamodb" and "/stream/" in arn:
        return _stream(_Values(name, description), arn)
    raise NotEmulated(name, "polled are DynamoDB streams, Kinesis data streams (without consumers) and SQS queues")


class _Values:
    """A description's values, checked. A template's parameters make texts of numbers and booleans."""

    def __init__(self, name: str, description: Dictionary[str, Any]) -> None:
        self.name = name
        self.description = description

    def refuse(self, what: str, reason: str) -> NotEmulated:
        return NotEmulated(f"{self.name} with {what}", reason)

    def number(self, property_: str, default: int, lowest: int, highest: int, *, also: int | None = None) -> int:
        value = self.description.get(property_)
        try:
            number = default if value is None else int(value)
        except (TypeError, ValueError):
            raise self.refuse(f"{property_} {value!r}", "it is no number") from None
        if not lowest <= number <= highest and (also is None or number != also):
            raise self.refuse(f"{property_} {number}", f"AWS takes {lowest} to {highest}")
        return number

    def limit(self, property_: str, lowest: int, highest: int) -> int | None:
        """A number, or None for -1: without limit."""
        number = self.number(property_, -1, lowest, highest, also=-1)
        return None if number == -1 else number

    def flag(self, property_: str) -> bool:
        value = self.description.get(property_)
        return value.lower() == "true" if isinstance(value, str) else bool(value)

    def destination(self) -> str | None:
        config = self.description.get("DestinationConfig") or {}
        return (config.get("OnFailure") or {}).get("Destination") or None


def _common(values: _Values, arn: str, default_batch: int, largest_batch: int) -> dict[str, Any]:
    description = values.description
    return {
        "uuid": description["UUID"],
        "source": arn,
        "function_arn": description["FunctionArn"],
        "enabled": description.get("State") in ENABLED_STATES,
        "batch_size": values.number("BatchSize", default_batch, 1, largest_batch),
        "window_seconds": values.number("MaximumBatchingWindowInSeconds", 0, 0, 300),
        "patterns": tuple(
            one["Pattern"] for one in (description.get("FilterCriteria") or {}).get("Filters") or () if "Pattern" in one
        ),
        "reports_item_failures": "ReportBatchItemFailures" in (description.get("FunctionResponseTypes") or []),
    }


def _stream(values: _Values, arn: str) -> StreamMapping:
    description = values.description
    if description.get("ScalingConfig"):
        raise values.refuse("ScalingConfig", "AWS takes it for SQS queues only")
    starting = description.get("StartingPosition") or "TRIM_HORIZON"
    if starting not in {"TRIM_HORIZON", "LATEST", "AT_TIMESTAMP"}:
        raise values.refuse(f"StartingPosition {starting}", "AWS has TRIM_HORIZON, LATEST and AT_TIMESTAMP")
    timestamp = description.get("StartingPositionTimestamp")
    if starting == "AT_TIMESTAMP" and (":kinesis:" not in arn or timestamp is None):
        raise values.refuse("StartingPosition AT_TIMESTAMP", "AWS takes it for Kinesis only, and with a timestamp")
    tumbling = values.number("TumblingWindowInSeconds", 0, 0, 900)
    parallelization = values.number("ParallelizationFactor", 1, 1, 10)
    if tumbling and parallelization > 1:
        raise values.refuse(
            "TumblingWindowInSeconds and ParallelizationFactor", "AWS does not document how they go together"
        )
    return StreamMapping(
        **_common(values, arn, 100, 10_000),
        starting_position=starting,
        starting_timestamp=_instant(timestamp),
        parallelization=parallelization,
        bisects=values.flag("BisectBatchOnFunctionError"),
        maximum_retries=values.limit("MaximumRetryAttempts", 0, 10_000),
        maximum_age_seconds=values.limit("MaximumRecordAgeInSeconds", 60, 604_800),
        tumbling_seconds=tumbling,
        on_failure=values.destination(),
    )


def _queue(values: _Values, arn: str) -> QueueMapping:
    for property_, defaults in _STREAMS_ONLY.items():
        if values.description.get(property_) not in (None, *defaults):
            raise values.refuse(property_, "AWS takes it for streams only")
    if values.destination():
        raise values.refuse("DestinationConfig", "a queue has its own dead-letter queue (RedrivePolicy)")
    fifo = arn.endswith(".fifo")
    common = _common(values, arn, 10, 10 if fifo else 10_000)
    if fifo and common["window_seconds"]:
        raise values.refuse("MaximumBatchingWindowInSeconds", "AWS does not take it for FIFO queues")
    if common["batch_size"] > 10 and not common["window_seconds"]:
        raise values.refuse(
            f"BatchSize {common['batch_size']}", "over 10, MaximumBatchingWindowInSeconds must be 1 or more"
        )
    scaling = (values.description.get("ScalingConfig") or {}).get("MaximumConcurrency")
    concurrency = None
    if scaling is not None:
        limits = _Values(values.name, {"MaximumConcurrency": scaling})
        concurrency = limits.number("MaximumConcurrency", 2, 2, 1000)
    return QueueMapping(**common, maximum_concurrency=concurrency)


def _instant(value: Any) -> float | None:
    """Epoch seconds of what the API (a time) or a template (a number, perhaps as text) says."""
    if isinstance(value, dt.datetime):
        return value.timestamp()
    return None if value is None else float(value)
