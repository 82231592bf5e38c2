"""DynamoDB in memory, with what a log stands or falls by: conditions, transactions, and answers that never come.

The client has boto3's calls and raises botocore's errors, so that `domain.table` runs on it as it is. Semantics:
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis.html

- A transaction locks its items, checks all conditions, and takes effect at one moment a little later. Whoever wants one
  of the items meanwhile gets a conflict; a GetItem sees the state before.
- A Query or BatchGetItem is not serializable with a transaction: it may miss some of what a GetItem saw already.
- A request lives on when its caller has given up, been killed or been suspended. The client sends a request again after
  throttling, a 500 and silence, a transaction with its token: the second finds the first one's effect.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError, ReadTimeoutError

from tests.simulation import expressions
from tests.simulation.kernel import Kernel
from tests.simulation.network import Network
from tests.simulation.weather import Weather

Attributes = dict[str, Any]
Key = tuple[str, str, Any]  # table, pk, sk as it compares
Listener = Callable[[Attributes, Attributes | None, Attributes | None], None]

READ_TIMEOUT_SECONDS = 5.0
CLIENT_ATTEMPTS = 3
LONGEST_LAG_SECONDS = 2.0
MAX_ITEM_BYTES = 400 * 1024
MAX_TRANSACTION_BYTES = 4 * 1024 * 1024
MAX_TRANSACTION_ITEMS = 100

_RETRIED = frozenset(
    {"ProvisionedThroughputExceededException", "InternalServerError", "TransactionInProgressException"}
)
_OPERATIONS = {
    "get_item", "batch_get_item", "transact_get_items", "query",
    "put_item", "update_item", "delete_item", "transact_write_items", "batch_write_item",
}  # fmt: skip
_WRITES = {"Put", "Update", "Delete", "ConditionCheck"}


@dataclass
class _Place:
    """What is stored under a key; `before` is what queries still see until `seen_at`."""

    item: Attributes | None = None
    before: Attributes | None = None
    seen_at: float = 0.0
    locked_by: object = None

    def shown(self, now: float) -> Attributes | None:
        return self.item if now >= self.seen_at else self.before


@dataclass
class _Table:
    partitions: dict[str, dict[Any, _Place]] = field(default_factory=dict)
    listener: Listener | None = None


class DynamoDB:
    """The service. `listen` makes a table's stream."""

    def __init__(self, kernel: Kernel, weather: Weather, page_bytes: int = 1_000_000) -> None:
        self._kernel = kernel
        self._weather = weather
        self._page_bytes = page_bytes
        self._tables: dict[str, _Table] = {}
        self.indigestible: set[str] = set()  # texts that no item may hold
        self._tokens: dict[str, str] = {}  # transactions by token: "running" or "done"

    def listen(self, table: str, listener: Listener) -> None:
        """Call back with keys, old and new image at each change of a table."""
        self._table(table).listener = listener

    def items(self, table: str) -> list[Attributes]:
        """All that a table holds, for the judge."""
        partitions = self._table(table).partitions.values()
        return [place.item for partition in partitions for place in partition.values() if place.item is not None]

    def remove_expired(self, table: str, now: int) -> int:
        """What TTL does, some time after `expiresAt`; how many items went."""
        expired = [item for item in self.items(table) if "expiresAt" in item and int(item["expiresAt"]["N"]) <= now]
        for item in expired:
            place = self._place(table, item)
            if place.locked_by is None:
                self._store(table, item, place, None)
        return len(expired)

    def execute(self, operation: str, request: dict[str, Any], token: str, answer: asyncio.Future[Any] | None) -> None:
        """Carry out a request, now or, a transaction, in two steps. Nobody may wait for the answer any more."""

        def tell(result: Callable[[], Any]) -> None:
            try:
                value = result()
            except (ClientError, NotImplementedError) as error:
                if answer is not None and not answer.done():
                    answer.set_exception(error)
                    answer.exception()
            else:
                if answer is not None and not answer.done():
                    answer.set_result(value)

        if operation == "transact_write_items":
            self._transact(request, token, tell)
        else:
            tell(lambda: getattr(self, f"_{operation}")(request))

    # --- reading

    def _get_item(self, request: dict[str, Any]) -> dict[str, Any]:
        _only(request, "TableName", "Key", "ConsistentRead")
        assert request["ConsistentRead"]
        item = self._place(request["TableName"], request["Key"]).item
        return {"Item": item} if item is not None else {}

    def _batch_get_item(self, request: dict[str, Any]) -> dict[str, Any]:
        found: dict[str, list[Attributes]] = {}
        unprocessed: dict[str, Any] = {}
        for table, wanted in request["RequestItems"].items():
            _only(wanted, "Keys", "ConsistentRead")
            assert wanted["ConsistentRead"]
            keys = wanted["Keys"]
            _validate(0 < len(keys) <= 100, "BatchGetItem takes 1 to 100 keys")
            _validate(len({str(key) for key in keys}) == len(keys), "Provided list of item keys contains duplicates")
            if self._weather.strikes("unprocessed"):
                rest = self._kernel.random.randint(1, len(keys))
                unprocessed[table] = {"Keys": keys[len(keys) - rest :], "ConsistentRead": True}
                keys = keys[: len(keys) - rest]
            shown = (self._place(table, key).shown(self._kernel.now) for key in keys)
            found[table] = [item for item in shown if item is not None]
        return {"Responses": found, "UnprocessedKeys": unprocessed}

    def _transact_get_items(self, request: dict[str, Any]) -> dict[str, Any]:
        gets = [each["Get"] for each in request["TransactItems"]]
        _validate(0 < len(gets) <= MAX_TRANSACTION_ITEMS, "too many items")
        places = [self._place(get["TableName"], get["Key"]) for get in gets]
        if any(place.locked_by for place in places):
            raise _cancelled(["TransactionConflict" if place.locked_by else "None" for place in places])
        return {"Responses": [{"Item": place.item} if place.item is not None else {} for place in places]}

    def _query(self, request: dict[str, Any]) -> dict[str, Any]:
        _only(
            request, "TableName", "KeyConditionExpression", "ExpressionAttributeValues", "ConsistentRead", "Limit",
            "ScanIndexForward", "ExclusiveStartKey", "ExpressionAttributeNames",
        )  # fmt: skip
        assert request["ConsistentRead"]
        values, names = request["ExpressionAttributeValues"], request.get("ExpressionAttributeNames", {})
        matches = expressions.condition(request["KeyConditionExpression"])
        partition = self._table(request["TableName"]).partitions.get(values[":pk"]["S"], {})
        forward = request.get("ScanIndexForward", True)
        start = request.get("ExclusiveStartKey")
        after = expressions.comparable(start["sk"]) if start else None
        page: list[Attributes] = []
        size = 0
        for sk in sorted(partition, reverse=not forward):
            if after is not None and (sk <= after if forward else sk >= after):
                continue
            item = partition[sk].shown(self._kernel.now)
            if item is None or not matches(item, names, values):
                continue
            page.append(item)
            size += item_bytes(item)
            if len(page) == request.get("Limit") or size >= self._page_bytes:
                return {"Items": page, "LastEvaluatedKey": {"pk": item["pk"], "sk": item["sk"]}}
        return {"Items": page}

    # --- writing

    def _put_item(self, request: dict[str, Any]) -> dict[str, Any]:
        return self._write_one("Put", request)

    def _update_item(self, request: dict[str, Any]) -> dict[str, Any]:
        return self._write_one("Update", request)

    def _delete_item(self, request: dict[str, Any]) -> dict[str, Any]:
        return self._write_one("Delete", request)

    def _batch_write_item(self, request: dict[str, Any]) -> dict[str, Any]:
        unprocessed: dict[str, Any] = {}
        for table, writes in request["RequestItems"].items():
            _validate(0 < len(writes) <= 25, "BatchWriteItem takes 1 to 25 writes")
            requests = [(kind, write) for each in writes for kind, write in each.items()]
            keys = [(write.get("Item") or write["Key"]) for _, write in requests]
            _validate(len({str((key["pk"], key["sk"])) for key in keys}) == len(keys), "duplicates")
            done = len(writes)
            if self._weather.strikes("unprocessed"):
                done -= self._kernel.random.randint(1, len(writes))
                unprocessed[table] = writes[done:]
            for (kind, write), key in list(zip(requests, keys, strict=True))[:done]:
                place = self._place(table, key)
                if place.locked_by:
                    unprocessed.setdefault(table, []).append({kind: write})
                else:
                    self._store(table, key, place, write.get("Item"))
        return {"UnprocessedItems": unprocessed}

    def _write_one(self, kind: str, request: dict[str, Any]) -> dict[str, Any]:
        place = self._place(request["TableName"], request.get("Item") or request["Key"])
        if place.locked_by:
            raise _error("TransactionConflictException", "Transaction is ongoing for the item")
        if not _holds(request, place):
            told = request.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD" and place.item is not None
            more = {"Item": place.item} if told else {}
            raise _error("ConditionalCheckFailedException", "The conditional request failed", **more)
        self._store(request["TableName"], request.get("Item") or request["Key"], place, _outcome(kind, request, place))
        return {}

    def _transact(self, request: dict[str, Any], token: str, tell: Callable[[Callable[[], Any]], None]) -> None:
        def prepared() -> list[tuple[str, dict[str, Any], _Place]]:
            if self._tokens.get(token) == "running":
                raise _error("TransactionInProgressException", "the transaction with this token is in progress")
            writes = [next(iter(each.items())) for each in request["TransactItems"]]
            _validate(0 < len(writes) <= MAX_TRANSACTION_ITEMS, "Member must have length of 1 to 100")
            places = [self._place(write["TableName"], write.get("Item") or write["Key"]) for _, write in writes]
            _validate(len({id(place) for place in places}) == len(places), "multiple operations on one item")
            _validate(sum(item_bytes(write.get("Item", {})) for _, write in writes) <= MAX_TRANSACTION_BYTES, "4 MB")
            for (kind, write), place in zip(writes, places, strict=True):
                if kind != "ConditionCheck":
                    _outcome(kind, write, place)
                    changes = write.get("Item", {}).get("changes", {}).get("S", "")
                    _validate(not any(f'"{text}"' in changes for text in self.indigestible), "indigestible")
            reasons = [
                "TransactionConflict"
                if place.locked_by
                else "None" if _holds(write, place) else "ConditionalCheckFailed"
                for (_, write), place in zip(writes, places, strict=True)
            ]  # fmt: skip
            if set(reasons) != {"None"}:
                raise _cancelled(reasons)
            return [(kind, write, place) for (kind, write), place in zip(writes, places, strict=True)]

        if self._tokens.get(token) == "done":
            tell(dict)
            return
        try:
            steps = prepared()
        except ClientError as error:
            failure = error
            tell(lambda: _raise(failure))
            return
        self._tokens[token] = "running"
        for _, _, place in steps:
            place.locked_by = token

        def commit() -> None:
            self._tokens[token] = "done"
            slow = self._weather.strikes("query lag")
            lags = []
            for kind, write, place in steps:
                place.locked_by = None
                if kind == "ConditionCheck":
                    continue
                lags.append(LONGEST_LAG_SECONDS * self._kernel.random.random() ** 3 if slow else 0.0)
                outcome = _outcome(kind, write, place)
                self._store(write["TableName"], write.get("Item") or write["Key"], place, outcome, lags[-1])
            # Whoever got the answer sees all of it.
            self._kernel.later(max(lags, default=0.0), tell, dict)

        self._kernel.later(self._kernel.random.random() * 0.004, commit)

    def _store(self, table: str, key: Attributes, place: _Place, new: Attributes | None, lag: float = 0.0) -> None:
        if new is not None:
            _validate(item_bytes(new) <= MAX_ITEM_BYTES, "Item size has exceeded the maximum allowed size")
        old = place.item
        place.before, place.item, place.seen_at = place.shown(self._kernel.now), new, self._kernel.now + lag
        listener = self._table(table).listener
        if listener is not None and old != new:
            listener({"pk": key["pk"], "sk": key["sk"]}, old, new)

    def _table(self, name: str) -> _Table:
        return self._tables.setdefault(name, _Table())

    def _place(self, table: str, key: Attributes) -> _Place:
        pk, sk = key["pk"]["S"], expressions.comparable(key["sk"])
        _validate(bool(pk) and sk != "", "an empty key")
        return self._table(table).partitions.setdefault(pk, {}).setdefault(sk, _Place())


class Client:
    """boto3's client of DynamoDB, as the processes of a host use it."""

    def __init__(self, service: DynamoDB, network: Network, kernel: Kernel, weather: Weather) -> None:
        self._service = service
        self._network = network
        self._kernel = kernel
        self._weather = weather

    def __getattr__(self, operation: str) -> Callable[..., dict[str, Any]]:
        if operation not in _OPERATIONS:
            raise AttributeError(operation)
        return lambda **request: self._call(operation, request)

    def _call(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        token = f"{self._kernel.random.getrandbits(64):x}"
        for attempt in range(1, CLIENT_ATTEMPTS + 1):
            try:
                return self._attempt(operation, request, token)
            except ClientError as error:
                if error.response["Error"]["Code"] not in _RETRIED or attempt == CLIENT_ATTEMPTS:
                    raise
            except ReadTimeoutError:
                if attempt == CLIENT_ATTEMPTS:
                    raise
            self._kernel.sleep(self._kernel.random.random() * 0.1 * 2**attempt)
        raise AssertionError

    def _attempt(self, operation: str, request: dict[str, Any], token: str) -> dict[str, Any]:
        strikes, network = self._weather.strikes, self._network
        network.point(operation)
        if strikes("throttle"):
            raise _error("ProvisionedThroughputExceededException", "throttled")
        if operation == "transact_write_items" and strikes("conflict"):
            raise _cancelled(["TransactionConflict", *["None"] * (len(request["TransactItems"]) - 1)])
        if operation in {"put_item", "update_item", "delete_item"} and strikes("conflict"):
            raise _error("TransactionConflictException", "Transaction is ongoing for the item")
        answer: asyncio.Future[dict[str, Any]] = self._kernel.loop.create_future()
        if strikes("table silence"):
            moment = self._kernel.random.choice([None, 0.0, 1.0, 7.0])
            self._kernel.current().note(f"{operation}: silence, effect {moment}")
            if moment is not None:
                delay = moment * self._kernel.random.random()
                self._kernel.later(delay, self._service.execute, operation, request, token, None)
            self._kernel.sleep(READ_TIMEOUT_SECONDS)
            raise ReadTimeoutError(endpoint_url="dynamodb")
        if strikes("table 500"):
            if self._kernel.random.random() < 0.5:
                self._kernel.later(0.0, self._service.execute, operation, request, token, None)
            self._kernel.sleep(network.latency())
            self._kernel.current().note(f"{operation}: 500")
            raise _error("InternalServerError", "Internal server error")
        self._kernel.later(network.latency(), self._service.execute, operation, request, token, answer)
        result = self._kernel.wait(answer)
        network.point(f"{operation} answered")
        return result


def item_bytes(item: Attributes) -> int:
    """About the size that DynamoDB counts: names and contents."""
    return sum(len(name) + len(str(content)) for name, value in item.items() for content in value.values())


def _holds(request: dict[str, Any], place: _Place) -> bool:
    text = request.get("ConditionExpression")
    names, values = request.get("ExpressionAttributeNames", {}), request.get("ExpressionAttributeValues", {})
    return not text or expressions.condition(text)(place.item or {}, names, values)


def _outcome(kind: str, request: dict[str, Any], place: _Place) -> Attributes | None:
    if kind not in _WRITES:
        raise NotImplementedError(kind)
    if kind == "Put":
        item: Attributes = request["Item"]
        _validate(item_bytes(item) <= MAX_ITEM_BYTES, "Item size has exceeded the maximum allowed size")
        return item
    if kind == "Delete":
        return None
    names, values = request.get("ExpressionAttributeNames", {}), request.get("ExpressionAttributeValues", {})
    return expressions.update(request["UpdateExpression"])(place.item or dict(request["Key"]), names, values)


def _only(request: dict[str, Any], *known: str) -> None:
    unknown = set(request) - set(known)
    if unknown:
        raise NotImplementedError(f"{sorted(unknown)} of a request")


def _validate(holds: bool, message: str) -> None:
    if not holds:
        raise _error("ValidationException", message)


def _error(code: str, message: str, **more: Any) -> ClientError:
    response: Any = {"Error": {"Code": code, "Message": message}, **more}
    return ClientError(response, "Simulated")


def _cancelled(reasons: Iterable[str]) -> ClientError:
    listed = list(reasons)
    message = f"Transaction cancelled, please refer cancellation reasons for specific reasons [{', '.join(listed)}]"
    return _error("TransactionCanceledException", message, CancellationReasons=[{"Code": code} for code in listed])


def _raise(error: ClientError) -> Any:
    raise error
