"""The only DynamoDB code: a table of items with `pk`, `sk` and `expiresAt`, read strongly, written conditionally.

TableError
├── ConditionFailed   an item is not as the writer expected
├── Conflict          another transaction had one of the items
├── Throttled         a partition or the table takes no more
└── Unavailable       no answer: it may or may not have been written

Rejected              no error of the table, but of the request: it will never be carried out
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import boto3
from boto3.dynamodb.types import Binary, TypeDeserializer, TypeSerializer
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionError, HTTPClientError  # noqa: A004 - botocore's name

from domain import backoff
from domain.clock import SYSTEM, Clock
from domain.threads import Threads

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

Item = dict[str, Any]
Key = tuple[str, str | int]

MAX_TRANSACTION_ITEMS = 100
_MAX_BATCH_GET = 100
_MAX_BATCH_WRITE = 25
_MAX_PAGE = 1000


class _Answer(TypeDeserializer):
    """Attribute values of an answer."""

    def _deserialize_n(self, value: str) -> Decimal:
        # Boto3's own context raises at 1E-129 and below, which DynamoDB stores, and anyone may have put there.
        return Decimal(value)


class _Event(_Answer):
    """Attribute values of a stream record as Lambda delivers it: JSON, so that bytes come as base64."""

    def _deserialize_b(self, value: str) -> Binary:
        return Binary(base64.b64decode(value))


_serialize = TypeSerializer().serialize
_deserialize = _Answer().deserialize
_deserialize_event = _Event().deserialize


class TableError(Exception):
    """A read or write that DynamoDB did not carry out."""


class ConditionFailed(TableError):
    """`writes` are the positions, in the transaction, of those whose condition did not hold; nothing was written.

    `item` is what is there instead, after a single Set with `tell`; None when there is nothing.
    """

    def __init__(self, writes: Sequence[int], item: Item | None = None) -> None:
        super().__init__(f"the condition of write {', '.join(map(str, writes))} does not hold")
        self.writes = tuple(writes)
        self.item = item


class Conflict(TableError):
    """Another transaction was at work on one of the items; nothing was written."""


class Throttled(TableError):
    """Too many requests for the table or a partition of it; nothing was written."""


class Unavailable(TableError):
    """DynamoDB failed or did not answer, after the client's own retries."""


class Rejected(Exception):
    """A request that DynamoDB does not take as it is, because of a value's size or kind; nothing was written."""


@dataclass(frozen=True)
class Put:
    """Write a whole item. In `condition`, `#name` stands for the attribute of that name."""

    item: Mapping[str, Any]
    condition: str | None = None
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Set:
    """Set some attributes of an item, which is made if it does not exist and the condition allows; remove others."""

    key: Key
    attributes: Mapping[str, Any]
    condition: str | None = None
    values: Mapping[str, Any] = field(default_factory=dict)
    remove: tuple[str, ...] = ()
    add: Mapping[str, int] = field(default_factory=dict)  # to numbers that the item has
    tell: bool = False  # ConditionFailed shall have the item


@dataclass(frozen=True)
class Delete:
    """Remove an item, if there is one."""

    key: Key
    condition: str | None = None
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Check:
    """Write nothing, but let the transaction that it is part of fail unless an item is as it should be."""

    key: Key
    condition: str
    values: Mapping[str, Any] = field(default_factory=dict)


Write = Put | Set | Delete | Check


def is_live(item: Mapping[str, Any], now: int) -> bool:
    """Whether an item counts: from the second `expiresAt` on it is absent, however late DynamoDB removes it.

    Args:
        item: any item; one without a number in `expiresAt` never expires.
        now: epoch seconds.
    """
    expires_at = item.get("expiresAt")
    return not isinstance(expires_at, Decimal | int) or expires_at > now


def free(now: int) -> tuple[str, dict[str, Any]]:
    """The condition, with its values, that no live item is in the place: the counterpart of `is_live` for writes."""
    return "attribute_not_exists(pk) OR #expiresAt <= :now", {":now": now}


def to_attributes(item: Mapping[str, Any]) -> dict[str, Any]:
    """Plain data as DynamoDB attribute values; members that are None are left out."""
    return {name: _serialize(value) for name, value in item.items() if value is not None}


def from_attributes(attributes: Mapping[str, Any]) -> Item:
    """DynamoDB attribute values of an answer as plain data. Numbers are Decimals."""
    return {name: _plain(value, _deserialize) for name, value in attributes.items()}


def from_event(attributes: Mapping[str, Any]) -> Item:
    """The same for the attribute values of a stream record that Lambda delivered."""
    return {name: _plain(value, _deserialize_event) for name, value in attributes.items()}


def _plain(value: Mapping[str, Any], deserialize: Callable[[Any], Any]) -> Any:
    # Most attributes are texts, which boto3 takes a microsecond each to find out.
    text = value.get("S") if len(value) == 1 else None
    return text if isinstance(text, str) else deserialize(value)


def dynamodb(**options: Any) -> DynamoDBClient:
    """A client that retries little by itself, because throttling is what spreads a room over more shards."""
    config = Config(
        retries={"mode": "standard", "total_max_attempts": 3},
        connect_timeout=2,
        read_timeout=5,
        max_pool_connections=16,
        tcp_keepalive=True,
        # Half the time of a large transaction went into checking requests that only this module makes.
        parameter_validation=False,
    )
    return boto3.client("dynamodb", config=config, **options)


class Table:
    """One table. Reads of it leave out what has expired, and are strongly consistent unless they say otherwise."""

    def __init__(self, name: str, client: DynamoDBClient) -> None:
        self.name = name
        self._client = client

    def get(self, key: Key, now: int) -> Item | None:
        """One item, or None. Raises TableError."""
        with _errors():
            answer = self._client.get_item(TableName=self.name, Key=_key(key), ConsistentRead=True)
        return _live(answer.get("Item"), now)

    def get_all(self, keys: Iterable[Key], now: int) -> dict[Key, Item]:
        """Those of the items that exist, by key. Raises TableError."""
        waiting = list(dict.fromkeys(keys))
        found: dict[Key, Item] = {}
        while waiting:
            now_asked, waiting = waiting[:_MAX_BATCH_GET], waiting[_MAX_BATCH_GET:]
            by_text = {str(_key(key)): key for key in now_asked}
            with _errors():
                answer = self._client.batch_get_item(
                    RequestItems={self.name: {"Keys": [_key(key) for key in now_asked], "ConsistentRead": True}}
                )
            for attributes in answer["Responses"].get(self.name, []):
                item = _live(attributes, now)
                if item:
                    found[by_text[str({"pk": attributes["pk"], "sk": attributes["sk"]})]] = item
            rest = answer["UnprocessedKeys"].get(self.name)
            unprocessed = rest["Keys"] if rest else []
            if unprocessed and len(unprocessed) == len(now_asked):
                raise Throttled(f"{self.name}: no key of a batch was processed")
            waiting += [by_text[str({"pk": key["pk"], "sk": key["sk"]})] for key in unprocessed]
        return found

    def get_together(self, keys: Sequence[Key], now: int) -> list[Item | None]:
        """Several items as they were at one moment, in the order of the keys. Raises TableError."""
        with _errors():
            answer = self._client.transact_get_items(
                TransactItems=[{"Get": {"TableName": self.name, "Key": _key(key)}} for key in keys]
            )
        return [_live(response.get("Item"), now) for response in answer["Responses"]]

    def query(
        self,
        pk: str,
        where: str = "",
        values: Mapping[str, Any] | None = None,
        *,
        now: int,
        forward: bool = True,
        page_size: int = _MAX_PAGE,
        index: str = "",
        consistent: bool = True,
    ) -> Iterator[Item]:
        """The items of a partition in the order of `sk`, fetched page by page as they are asked for.

        Args:
            pk: the partition.
            where: a condition on `sk`, such as `sk > :last`.
            values: what the names in `where` stand for.
            now: epoch seconds.
            forward: False to go back from the highest `sk`.
            page_size: how many to fetch at first. Each page is twice as large as the one before, so that a run of
                expired items costs few requests.
            index: an index to ask instead, whose keys are `<index>PK` and `<index>SK`. It may lag behind the table.
            consistent: False for half the cost where what was written a moment ago may be missing.

        Raises:
            TableError: at any step of the iteration.
        """
        request: dict[str, Any] = {
            "TableName": self.name,
            "KeyConditionExpression": f"{_pk(index)} = :pk AND {where}" if where else f"{_pk(index)} = :pk",
            "ExpressionAttributeValues": to_attributes({":pk": pk, **(values or {})}),
            "ConsistentRead": consistent and not index,  # DynamoDB has no strong reads of a global index
            "ScanIndexForward": forward,
        }
        if index:
            request["IndexName"] = index
        while True:
            with _errors():
                answer = self._client.query(Limit=page_size, **request)
            yield from (item for attributes in answer["Items"] if (item := _live(attributes, now)))
            if not (last := answer.get("LastEvaluatedKey")):
                return
            request["ExclusiveStartKey"] = last
            page_size = min(2 * page_size, _MAX_PAGE)

    def write(self, writes: Sequence[Write]) -> None:
        """Carry out all writes or none.

        A single one is no transaction: it costs half, and is as atomic.

        Raises:
            TableError: see there what each means.
        """
        with _errors():
            if len(writes) > 1:
                items = [{_OPERATION[type(each)]: self._request(each)} for each in writes]
                self._client.transact_write_items(TransactItems=items)  # type: ignore[arg-type]
            elif isinstance(writes[0], Put):
                self._client.put_item(**self._request(writes[0]))
            elif isinstance(writes[0], Set):
                self._client.update_item(**self._request(writes[0]))
            elif isinstance(writes[0], Check):
                raise AssertionError("a check alone is a read")
            else:
                self._client.delete_item(**self._request(writes[0]))

    def put_all(
        self, items: Iterable[Mapping[str, Any]], deadline: float, *, threads: Threads = map, clock: Clock = SYSTEM
    ) -> None:
        """Write whole items, each by itself: when this fails, any of them may have been written.

        Args:
            items: of two with the same keys the later counts.
            deadline: `clock.monotonic()` until which what DynamoDB left unprocessed, or did not answer, is tried again.
            threads: for batches of 25, which are written side by side.
            clock: tells the time, waits, and draws the jitter.

        Raises:
            TableError: the time was over.
            Rejected: DynamoDB does not take one of them, nor any of its batch.
        """
        requests = {str(_key(_key_of(item))): {"PutRequest": {"Item": to_attributes(item)}} for item in items}
        self._write_all([*requests.values()], deadline, threads, clock)

    def delete_all(
        self, keys: Iterable[Key], deadline: float, *, threads: Threads = map, clock: Clock = SYSTEM
    ) -> None:
        """Remove items where there are any; otherwise as `put_all`."""
        requests = [{"DeleteRequest": {"Key": _key(key)}} for key in dict.fromkeys(keys)]
        self._write_all(requests, deadline, threads, clock)

    def _write_all(
        self, requests: Sequence[Mapping[str, Any]], deadline: float, threads: Threads, clock: Clock
    ) -> None:
        batches = [requests[start : start + _MAX_BATCH_WRITE] for start in range(0, len(requests), _MAX_BATCH_WRITE)]
        for _ in threads(lambda batch: self._write_batch(batch, deadline, clock), batches):
            pass

    def _write_batch(self, batch: Sequence[Mapping[str, Any]], deadline: float, clock: Clock) -> None:
        waiting: Any = batch
        failure: TableError | None = None
        for _ in backoff.attempts(deadline, first_seconds=0.05, longest_seconds=2.0, clock=clock):
            try:
                with _errors():
                    answer = self._client.batch_write_item(RequestItems={self.name: waiting})
            except (Throttled, Unavailable) as error:
                failure = error
                continue
            waiting = answer["UnprocessedItems"].get(self.name)
            if not waiting:
                return
            failure = Throttled(f"{self.name}: {len(waiting)} writes of a batch were not processed")
        assert failure is not None
        raise failure

    def _request(self, write: Write) -> dict[str, Any]:
        request: dict[str, Any] = {"TableName": self.name}
        values, expressions = dict(write.values), [write.condition or ""]
        if isinstance(write, Put):
            request["Item"] = to_attributes(write.item)
        else:
            request["Key"] = _key(write.key)
        if isinstance(write, Set):
            assignments = [f"#{name} = :set_{name}" for name in write.attributes]
            assignments += [f"#{name} = #{name} + :add_{name}" for name in write.add]
            request["UpdateExpression"] = f"SET {', '.join(assignments)}"
            if write.remove:
                request["UpdateExpression"] += " REMOVE " + ", ".join(f"#{name}" for name in write.remove)
            expressions.append(request["UpdateExpression"])
            values |= {f":set_{name}": value for name, value in write.attributes.items()}
            values |= {f":add_{name}": number for name, number in write.add.items()}
            if write.tell:
                request["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
        if write.condition:
            request["ConditionExpression"] = write.condition
        if names := {name for text in expressions for name in re.findall(r"#(\w+)", text)}:
            request["ExpressionAttributeNames"] = {f"#{name}": name for name in sorted(names)}
        if values:
            request["ExpressionAttributeValues"] = to_attributes(values)
        return request


_OPERATION = {Put: "Put", Set: "Update", Delete: "Delete", Check: "ConditionCheck"}

_THROTTLING = frozenset(
    {
        "ProvisionedThroughputExceededException", "ProvisionedThroughputExceeded", "ThrottlingException",
        "ThrottlingError", "RequestLimitExceeded",
    }
)  # fmt: skip
_CONFLICTS = frozenset({"TransactionConflictException", "TransactionConflict", "TransactionInProgressException"})
_REJECTIONS = frozenset({"ValidationException", "ValidationError", "ItemCollectionSizeLimitExceededException"})
_OUTAGES = frozenset({"InternalServerError", "InternalServerErrorException", "ServiceUnavailable", "InternalFailure"})


@contextmanager
def _errors() -> Iterator[None]:
    """Botocore's exceptions as TableErrors and Rejected. Others (a missing right, a missing table) pass."""
    try:
        yield
    except ClientError as error:
        raise _table_error(error) or error from error
    except (ConnectionError, HTTPClientError) as error:
        raise Unavailable(str(error)) from error


def _table_error(error: ClientError) -> TableError | Rejected | None:
    code = error.response["Error"]["Code"]
    reasons = [str(reason.get("Code")) for reason in error.response.get("CancellationReasons", [])]
    if code == "ConditionalCheckFailedException":
        response: Mapping[str, Any] = {**error.response}  # `Item` is of this exception only
        found = response.get("Item")
        return ConditionFailed([0], from_attributes(found) if found else None)
    if failed := [position for position, reason in enumerate(reasons) if reason == "ConditionalCheckFailed"]:
        return ConditionFailed(failed)
    codes = {code, *reasons}
    if codes & _THROTTLING:
        return Throttled(str(error))
    if codes & _CONFLICTS:
        return Conflict(str(error))
    if codes & _REJECTIONS:
        return Rejected(str(error))
    return Unavailable(str(error)) if codes & _OUTAGES else None


def _pk(index: str) -> str:
    return f"{index}PK" if index else "pk"


def _key(key: Key) -> dict[str, Any]:
    return {"pk": {"S": key[0]}, "sk": _serialize(key[1])}


def _key_of(item: Mapping[str, Any]) -> Key:
    return item["pk"], item["sk"]


def _live(attributes: Mapping[str, Any] | None, now: int) -> Item | None:
    item = from_attributes(attributes) if attributes else None
    return item if item and is_live(item, now) else None
