"""DynamoDB streams: how they are read, and the shape in which Lambda hands their records to a function.

https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html; GetRecords' own shape:
https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_GetRecords.html
"""

from __future__ import annotations

from typing import Any

import orjson
from botocore.exceptions import ClientError

from local.event_sources.filters import Document
from local.event_sources.records import Record
from local.event_sources.streams import EventSourcesCloud, Page, Read, Shard, call, is_over, keep_wire_form


class DynamoDBStream:
    """One table's stream. It is kept for 24 hours, and its records are dated in whole seconds."""

    resolution_seconds = 1.0
    retention_seconds = 86400.0

    def __init__(self, cloud: EventSourcesCloud, arn: str) -> None:
        self._client = cloud.client("dynamodbstreams")
        keep_wire_form(self._client)
        self._arn = arn

    async def open(self) -> None:
        """Nothing has to be learnt."""

    async def shards(self) -> list[Shard]:
        """See `Stream`."""
        found: list[Shard] = []
        more: dict[str, str] = {}
        while True:
            answer = await call(self._client.describe_stream, StreamArn=self._arn, **more)
            description = answer["StreamDescription"]
            for shard in description["Shards"]:
                parent = shard.get("ParentShardId")
                found.append(Shard(shard["ShardId"], (parent,) if parent else ()))
            last = description.get("LastEvaluatedShardId")
            if not last:
                return found
            more = {"ExclusiveStartShardId": last}

    async def iterator(self, shard: str, kind: str, sequence_number: str | None = None) -> str | None:
        """See `Stream`."""
        position = {"SequenceNumber": sequence_number} if sequence_number else {}
        try:
            answer = await call(
                self._client.get_shard_iterator, StreamArn=self._arn, ShardId=shard, ShardIteratorType=kind, **position
            )
        except ClientError as error:
            if is_over(error):
                return None
            raise
        iterator: str = answer["ShardIterator"]
        return iterator

    async def records(self, shard: str, iterator: str, limit: int) -> Page | None:
        """See `Stream`."""
        del shard  # the records do not name it
        try:
            answer = await call(self._client.get_records, ShardIterator=iterator, Limit=limit)
        except ClientError as error:
            if is_over(error):
                return None
            raise
        records = [read(raw, self._arn) for raw in answer["WireRecords"]]
        # A page ends at the limit, at 1 MB, or before a record that does not fit any more: a short one says nothing.
        more = bool(records)
        return Page(records, answer.get("NextShardIterator"), more)


def read(raw: dict[str, Any], stream_arn: str) -> Read:
    """A record of GetRecords' wire JSON, as Lambda passes it on; filters see just that."""
    change = raw["dynamodb"]
    event = {
        "eventID": raw["eventID"],
        "eventName": raw["eventName"],
        "eventVersion": raw.get("eventVersion", "1.1"),
        "eventSource": raw.get("eventSource", "aws:dynamodb"),
        "awsRegion": raw["awsRegion"],
        "dynamodb": change,
        "eventSourceARN": stream_arn,
    }
    identity = raw.get("userIdentity")
    if identity:
        # GetRecords says PrincipalId and Type, Lambda's event principalId and type.
        event["userIdentity"] = {name[0].lower() + name[1:]: value for name, value in identity.items()}
    record = Record.of(
        event,
        sequence_number=change["SequenceNumber"],
        created=float(change["ApproximateCreationDateTime"]),
        key=orjson.dumps(change["Keys"], option=orjson.OPT_SORT_KEYS).decode(),
    )
    return Read(record, Document(event))
