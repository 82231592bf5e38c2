"""What DynamoDB streams and Kinesis data streams have in common for a consumer: shards, iterators, records."""

from __future__ import annotations

import asyncio
from typing import Any, NamedTuple, Protocol

import orjson
from botocore.exceptions import ClientError

from local.event_sources.filters import Document
from local.event_sources.records import Record


class EventSourcesCloud(Protocol):
    """What reading needs of `local.cloud.Cloud`."""

    def client(self, service: Any) -> Any: ...


class Shard(NamedTuple):
    """A shard of a stream. Its parents (two after a merge) may have been trimmed."""

    id: str
    parents: tuple[str, ...] = ()


class Read(NamedTuple):
    """A record and what the filters see of it."""

    record: Record
    document: Document


class Page(NamedTuple):
    """Some records. `iterator` is None at the end of a closed shard; `more` says that others can be read at once."""

    records: list[Read]
    iterator: str | None
    more: bool


class SourceGone(Exception):
    """The stream or queue does not exist (any more)."""


class Stream(Protocol):
    """One stream, as a consumer reads it.

    `resolution_seconds` is how exactly its records are dated. `retention_seconds` is how long it keeps them: "Lambda
    retries until the records expire".
    """

    resolution_seconds: float
    retention_seconds: float

    async def open(self) -> None:
        """Learn what the records' shape needs. Raises SourceGone."""

    async def shards(self) -> list[Shard]:
        """All shards. Raises SourceGone."""

    async def iterator(self, shard: str, kind: str, sequence_number: str | None = None) -> str | None:
        """An iterator, or None when the stream no longer has that sequence number. Raises SourceGone."""

    async def records(self, shard: str, iterator: str, limit: int) -> Page | None:
        """The next records, or None when the iterator has expired. Raises SourceGone."""


def keep_wire_form(client: Any) -> None:
    """Make GetRecords answer `WireRecords`, its records as they came, in the place of `Records`.

    botocore's form has binary values as bytes and times as datetimes, which would have to be undone for the function,
    and takes twenty times as long as the JSON: 0.4 ms for a record of a DynamoDB stream.
    """
    service = client.meta.service_model.service_id.hyphenize()
    client.meta.events.register(f"before-parse.{service}.GetRecords", _take_records, unique_id="headwater-wire-form")


def _take_records(response_dict: dict[str, Any], customized_response_dict: dict[str, Any], **_: Any) -> None:
    if response_dict["status_code"] < 300:
        answer = orjson.loads(response_dict["body"])
        customized_response_dict["WireRecords"] = answer.pop("Records", [])
        response_dict["body"] = orjson.dumps(answer)


GONE = frozenset({"ResourceNotFoundException"})
OVER = frozenset({"ExpiredIteratorException", "TrimmedDataAccessException"})


async def call(operation: Any, **arguments: Any) -> Any:
    """One call of boto3 in a thread. Raises SourceGone, or ClientError."""
    try:
        return await asyncio.to_thread(operation, **arguments)
    except ClientError as error:
        if error.response["Error"]["Code"] in GONE:
            raise SourceGone(str(error)) from error
        raise


def is_over(error: ClientError) -> bool:
    """Whether an error says that an iterator or its sequence number can no longer be used."""
    return error.response["Error"]["Code"] in OVER
