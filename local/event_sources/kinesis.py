"""Kinesis data streams: how they are read, and the shape in which Lambda hands their records to a function.

https://docs.aws.amazon.com/lambda/latest/dg/with-kinesis.html
"""

from __future__ import annotations

import base64
import contextlib
from typing import Any

from botocore.exceptions import ClientError

from local.event_sources.filters import Document
from local.event_sources.records import Record
from local.event_sources.streams import EventSourcesCloud, Page, Read, Shard, SourceGone, call, is_over, keep_wire_form


class KinesisStream:
    """One data stream, read with standard iterators. `function_arn` is the function that gets its records."""

    resolution_seconds = 0.001

    def __init__(self, cloud: EventSourcesCloud, arn: str, function_arn: str) -> None:
        self._client = cloud.client("kinesis")
        keep_wire_form(self._client)
        self._lambda = cloud.client("lambda")
        self._arn = arn
        self._function_arn = function_arn
        self._role = ""
        self.retention_seconds = 86400.0

    async def open(self) -> None:
        """See `Stream`: its retention, and the role that the records name as the reader's."""
        summary = (await call(self._client.describe_stream_summary, StreamARN=self._arn))["StreamDescriptionSummary"]
        self.retention_seconds = summary["RetentionPeriodHours"] * 3600.0
        with contextlib.suppress(SourceGone):  # without its function, delivering says so
            function = await call(self._lambda.get_function_configuration, FunctionName=self._function_arn)
            self._role = function["Role"]

    async def shards(self) -> list[Shard]:
        """See `Stream`."""
        found: list[Shard] = []
        more: dict[str, str] = {"StreamARN": self._arn}
        while more:
            answer = await call(self._client.list_shards, **more)
            for shard in answer["Shards"]:
                parents = (shard.get("ParentShardId"), shard.get("AdjacentParentShardId"))
                found.append(Shard(shard["ShardId"], tuple(parent for parent in parents if parent)))
            more = {"NextToken": answer["NextToken"]} if answer.get("NextToken") else {}
        return found

    async def iterator(self, shard: str, kind: str, sequence_number: str | None = None) -> str | None:
        """See `Stream`."""
        position = {"StartingSequenceNumber": sequence_number} if sequence_number else {}
        try:
            answer = await call(
                self._client.get_shard_iterator, StreamARN=self._arn, ShardId=shard, ShardIteratorType=kind, **position
            )
        except ClientError as error:
            # Kinesis has no error of its own for a number that the shard never had.
            if error.response["Error"]["Code"] == "InvalidArgumentException" and sequence_number:
                return None
            raise
        iterator: str = answer["ShardIterator"]
        return iterator

    async def records(self, shard: str, iterator: str, limit: int) -> Page | None:
        """See `Stream`."""
        try:
            answer = await call(self._client.get_records, ShardIterator=iterator, Limit=limit, StreamARN=self._arn)
        except ClientError as error:
            if is_over(error):
                return None
            raise
        records = [read(raw, shard, self._arn, self._role) for raw in answer["WireRecords"]]
        return Page(records, answer.get("NextShardIterator"), bool(answer.get("MillisBehindLatest")))


def read(raw: dict[str, Any], shard: str, stream_arn: str, role: str) -> Read:
    """A record of GetRecords' wire JSON, as Lambda passes it on.

    Filters see it flat, with the data decoded: their patterns say `partitionKey` and `data`, not `kinesis`.
    https://docs.aws.amazon.com/lambda/latest/dg/with-kinesis-filtering.html
    """
    arrived = float(raw["ApproximateArrivalTimestamp"])
    kinesis = {
        "kinesisSchemaVersion": "1.0",
        "partitionKey": raw["PartitionKey"],
        "sequenceNumber": raw["SequenceNumber"],
        "data": raw["Data"],
        "approximateArrivalTimestamp": arrived,
    }
    envelope = {
        "eventSource": "aws:kinesis",
        "eventVersion": "1.0",
        "eventID": f"{shard}:{raw['SequenceNumber']}",
        "eventName": "aws:kinesis:record",
        "invokeIdentityArn": role,
        "awsRegion": stream_arn.split(":")[3],
        "eventSourceARN": stream_arn,
    }
    record = Record.of(
        {"kinesis": kinesis, **envelope},
        sequence_number=raw["SequenceNumber"],
        created=arrived,
        key=raw["PartitionKey"],
    )
    return Read(record, Document({**kinesis, **envelope}, base64.b64decode(raw["Data"]).decode(errors="replace")))
