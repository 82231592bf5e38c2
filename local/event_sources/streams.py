"""Reading DynamoDB streams: shards, iterators, records."""

from __future__ import annotations

import asyncio
import json
from typing import Any, NamedTuple, Protocol

from botocore.exceptions import ClientError


class StreamsCloud(Protocol):
    """What reading needs of `local.cloud.Cloud`."""

    def client(self, service: Any) -> Any: ...


class Shard(NamedTuple):
    """A shard of a stream; `parent` may have been trimmed."""

    id: str
    parent: str | None


class StreamGone(Exception):
    """The stream does not exist (any more)."""


class StreamReader:
    """One stream. Blocking calls run in threads."""

    def __init__(self, cloud: StreamsCloud, stream_arn: str) -> None:
        self._client = cloud.client("dynamodbstreams")
        # Records are passed on as they came: the parsed form has binary values as bytes and times as datetimes.
        self._client.meta.events.register(
            "after-call.dynamodb-streams.GetRecords", _keep_wire_form, unique_id="headwater-wire-form"
        )
        self._arn = stream_arn

    async def shards(self) -> list[Shard]:
        """All shards. Raises StreamGone."""
        found: list[Shard] = []
        more: dict[str, str] = {}
        while True:
            description = (await self._call(self._client.describe_stream, **more))["StreamDescription"]
            found += [Shard(shard["ShardId"], shard.get("ParentShardId")) for shard in description["Shards"]]
            last = description.get("LastEvaluatedShardId")
            if not last:
                return found
            more = {"ExclusiveStartShardId": last}

    async def iterator(self, shard: str, kind: str, sequence_number: str | None = None) -> str | None:
        """An iterator, or None when the stream no longer has that sequence number. Raises StreamGone."""
        position = {"SequenceNumber": sequence_number} if sequence_number else {}
        try:
            answer = await self._call(
                self._client.get_shard_iterator, ShardId=shard, ShardIteratorType=kind, **position
            )
        except ClientError as error:
            if error.response["Error"]["Code"] == "TrimmedDataAccessException":
                return None
            raise
        iterator: str = answer["ShardIterator"]
        return iterator

    async def records(self, iterator: str, limit: int) -> tuple[list[dict[str, Any]], str | None] | None:
        """Wire records and the next iterator (None at the end of a closed shard); None when this one expired."""
        try:
            answer = await asyncio.to_thread(self._client.get_records, ShardIterator=iterator, Limit=limit)
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code in {"ExpiredIteratorException", "TrimmedDataAccessException"}:
                return None
            if code == "ResourceNotFoundException":
                raise StreamGone(self._arn) from error
            raise
        return answer["WireRecords"], answer.get("NextShardIterator")

    async def _call(self, operation: Any, **arguments: str) -> Any:
        try:
            return await asyncio.to_thread(operation, StreamArn=self._arn, **arguments)
        except ClientError as error:
            if error.response["Error"]["Code"] == "ResourceNotFoundException":
                raise StreamGone(self._arn) from error
            raise


def _keep_wire_form(http_response: Any, parsed: dict[str, Any], **_: Any) -> None:
    if "Error" not in parsed:
        parsed["WireRecords"] = json.loads(http_response.content).get("Records", [])
