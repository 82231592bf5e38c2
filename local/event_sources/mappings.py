"""An event source mapping as Lambda's API describes it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping as Dictionary
from dataclasses import dataclass
from typing import Any

from local.errors import NotEmulated


@dataclass(frozen=True)
class Mapping:
    """A DynamoDB stream's mapping. Times are epoch seconds; None means without limit.

    https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-eventsourcemapping.html
    """

    uuid: str
    stream_arn: str
    function_arn: str
    enabled: bool
    starting_position: str
    starting_timestamp: float | None
    batch_size: int
    window_seconds: float
    parallelization: int
    patterns: tuple[str, ...]
    reports_item_failures: bool
    bisects: bool
    maximum_retries: int | None
    maximum_age_seconds: float | None
    on_failure: str | None

    @property
    def table(self) -> str:
        """The table's name, from `arn:aws:dynamodb:region:account:table/NAME/stream/LABEL`."""
        return self.stream_arn.split("/")[1]

    @property
    def region(self) -> str:
        """The stream's region."""
        return self.stream_arn.split(":")[3]


def parse(description: Dictionary[str, Any]) -> Mapping:
    """Read one mapping of ListEventSourceMappings.

    Raises:
        NotEmulated: its source is no DynamoDB stream, or it aggregates in tumbling windows.
    """
    arn = description.get("EventSourceArn", "")
    name = f"Event source mapping {description['UUID']} ({arn or 'self-managed source'})"
    if not (arn.split(":")[2:3] == ["dynamodb"] and "/stream/" in arn):
        raise NotEmulated(name, "only DynamoDB streams are polled")
    if description.get("TumblingWindowInSeconds"):
        raise NotEmulated(name, "tumbling windows are missing")
    timestamp = description.get("StartingPositionTimestamp")
    return Mapping(
        uuid=description["UUID"],
        stream_arn=arn,
        function_arn=description["FunctionArn"],
        enabled=description.get("State") in {"Enabled", "Enabling", "Creating", "Updating"},
        starting_position=description.get("StartingPosition", "TRIM_HORIZON"),
        starting_timestamp=timestamp.timestamp() if isinstance(timestamp, dt.datetime) else timestamp,
        batch_size=description.get("BatchSize", 100),
        window_seconds=description.get("MaximumBatchingWindowInSeconds") or 0,
        parallelization=description.get("ParallelizationFactor") or 1,
        patterns=tuple(one["Pattern"] for one in (description.get("FilterCriteria") or {}).get("Filters", [])),
        reports_item_failures="ReportBatchItemFailures" in (description.get("FunctionResponseTypes") or []),
        bisects=bool(description.get("BisectBatchOnFunctionError")),
        maximum_retries=_limit(description.get("MaximumRetryAttempts")),
        maximum_age_seconds=_limit(description.get("MaximumRecordAgeInSeconds")),
        on_failure=((description.get("DestinationConfig") or {}).get("OnFailure") or {}).get("Destination"),
    )


def _limit(value: int | None) -> int | None:
    return None if value is None or value < 0 else value
