"""Requests over several items and tables: BatchGetItem, BatchPutItem, BatchDeleteItem and the two transactions."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from botocore.exceptions import ClientError

from local.appsync.datasources.dynamodb_errors import failure
from local.appsync.datasources.dynamodb_requests import Arguments, add_expression, add_projection, required
from local.appsync.datasources.dynamodb_values import Item, to_plain_item, to_wire_item
from local.appsync.datasources.interface import rejected

Send = Callable[[str, Arguments], Awaitable[dict[str, Any]]]
Request = dict[str, Any]

_WRITES = {"PutItem": "Put", "UpdateItem": "Update", "DeleteItem": "Delete", "ConditionCheck": "ConditionCheck"}


async def _batch_get(send: Send, request: Request) -> dict[str, Any]:
    """`data` has the items in the order of the keys, null for those that are not there or were not read."""
    items: dict[str, Arguments] = {}
    wanted: dict[str, list[Item]] = {}
    hidden: dict[str, list[str]] = {}
    for table, entry in _tables(request).items():
        path = f"$[tables][{table}]"
        keys = wanted[table] = [to_wire_item(key) for key in required(entry, "keys", path)]
        arguments: Arguments = {"Keys": keys}
        if entry.get("consistentRead"):
            arguments["ConsistentRead"] = True
        add_projection(arguments, entry, path)
        hidden[table] = _project_keys(arguments)
        items[table] = arguments
    answer = await send("batch_get_item", {"RequestItems": items})
    data: dict[str, list[Any]] = {}
    for table, keys in wanted.items():
        found = {_identity(item, keys[0]): item for item in answer["Responses"].get(table, ())}
        data[table] = [_without(found.get(_identity(key, key)), hidden[table]) for key in keys]
    unprocessed = answer.get("UnprocessedKeys") or {}
    return {"data": data, "unprocessedKeys": {t: _plain(unprocessed.get(t, {}).get("Keys", ())) for t in wanted}}


async def _batch_put(send: Send, request: Request) -> dict[str, Any]:
    """`data` has the items as written, null for those that were not."""
    items = _lists(request)
    left = await _batch_write(send, {t: [{"PutRequest": {"Item": i}} for i in each] for t, each in items.items()})
    unwritten = {table: [entry["PutRequest"]["Item"] for entry in left.get(table, ())] for table in items}
    return {"data": _done(items, unwritten), "unprocessedItems": {t: _plain(each) for t, each in unwritten.items()}}


async def _batch_delete(send: Send, request: Request) -> dict[str, Any]:
    """`data` has the keys that were passed, null for those that were not deleted; never the items (Developer Guide)."""
    keys = _lists(request)
    left = await _batch_write(send, {t: [{"DeleteRequest": {"Key": k}} for k in each] for t, each in keys.items()})
    undeleted = {table: [entry["DeleteRequest"]["Key"] for entry in left.get(table, ())] for table in keys}
    return {"data": _done(keys, undeleted), "unprocessedKeys": {t: _plain(each) for t, each in undeleted.items()}}


async def _transact_get(send: Send, request: Request) -> dict[str, Any]:
    gets = []
    for number, entry in enumerate(_transact_items(request)):
        path = f"$[transactItems][{number}]"
        get: Arguments = {"TableName": required(entry, "table", path), "Key": _key(entry, path)}
        add_projection(get, entry, path)
        gets.append({"Get": get})
    try:
        answer = await send("transact_get_items", {"TransactItems": gets})
    except ClientError as error:
        raise _cancelled(error, "items") from error
    items = [to_plain_item(response.get("Item") or None) for response in answer["Responses"]]
    return {"items": items, "cancellationReasons": None}


async def _transact_write(send: Send, request: Request) -> dict[str, Any]:
    writes, keys = [], []
    for number, entry in enumerate(_transact_items(request)):
        path = f"$[transactItems][{number}]"
        operation = required(entry, "operation", path)
        if operation not in _WRITES:
            raise rejected(f"Unsupported operation '{operation}' in {path}.")
        key = _key(entry, path)
        write: Arguments = {"TableName": required(entry, "table", path)}
        if operation == "PutItem":
            write["Item"] = key | to_wire_item(entry.get("attributeValues") or {})
        else:
            write["Key"] = key
        if operation == "UpdateItem":
            add_expression(write, "UpdateExpression", required(entry, "update", path), f"{path}[update]")
        if operation == "ConditionCheck" or entry.get("condition") is not None:
            condition = add_expression(
                write, "ConditionExpression", required(entry, "condition", path), f"{path}[condition]"
            )
            if condition.get("returnValuesOnConditionCheckFailure") is not False:
                write["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
        writes.append({_WRITES[operation]: write})
        keys.append(to_plain_item(key))
    try:
        await send("transact_write_items", {"TransactItems": writes})
    except ClientError as error:
        raise _cancelled(error, "keys") from error
    return {"keys": keys, "cancellationReasons": None}


OPERATIONS: dict[str, Callable[[Send, Request], Awaitable[dict[str, Any]]]] = {
    "BatchGetItem": _batch_get,
    "BatchPutItem": _batch_put,
    "BatchDeleteItem": _batch_delete,
    "TransactGetItems": _transact_get,
    "TransactWriteItems": _transact_write,
}


def _tables(request: Request) -> dict[str, Any]:
    tables = required(request, "tables")
    if not isinstance(tables, dict) or not tables:
        raise rejected("Value for field '$[tables]' not found.")
    return tables


def _lists(request: Request) -> dict[str, list[Item]]:
    lists = {}
    for table, entries in _tables(request).items():
        if not isinstance(entries, list):
            raise rejected(f"Value for field '$[tables][{table}]' is not a list.")
        lists[table] = [to_wire_item(entry) for entry in entries]
    return lists


def _transact_items(request: Request) -> list[Request]:
    entries = required(request, "transactItems")
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise rejected("Value for field '$[transactItems]' is not a list of objects.")
    return entries


def _key(entry: Request, path: str) -> Item:
    return to_wire_item(required(entry, "key", path))


async def _batch_write(send: Send, requests: dict[str, list[Arguments]]) -> dict[str, Any]:
    answer = await send("batch_write_item", {"RequestItems": requests})
    unprocessed: dict[str, Any] = answer.get("UnprocessedItems") or {}
    return unprocessed


def _project_keys(arguments: Arguments) -> list[str]:
    """DynamoDB answers in any order, so a projection has to read the keys too; returns those it did not ask for."""
    projection = arguments.get("ProjectionExpression")
    if projection is None or not arguments["Keys"]:
        return []
    names: dict[str, str] = arguments.setdefault("ExpressionAttributeNames", {})
    roots = (path.strip().split(".")[0].split("[")[0] for path in projection.split(","))
    projected = {names.get(root, root) for root in roots}
    hidden = [name for name in arguments["Keys"][0] if name not in projected]
    for number, name in enumerate(hidden):
        names[f"#headwater_key_{number}"] = name
        arguments["ProjectionExpression"] += f", #headwater_key_{number}"
    if not names:
        del arguments["ExpressionAttributeNames"]
    return hidden


def _identity(item: Item, key: Item) -> str:
    return repr([item.get(name) for name in sorted(key)])


def _without(item: Item | None, names: Iterable[str]) -> dict[str, Any] | None:
    plain = to_plain_item(item)
    for name in names:
        if plain is not None:
            plain.pop(name, None)
    return plain


def _done(items: dict[str, list[Item]], left: dict[str, list[Item]]) -> dict[str, list[Any]]:
    return {
        table: [None if item in left[table] else to_plain_item(item) for item in each] for table, each in items.items()
    }


def _plain(items: Iterable[Item]) -> list[Any]:
    return [to_plain_item(item) for item in items]


def _cancelled(error: ClientError, member: str) -> Exception:
    """A cancelled transaction: `ctx.result` has the reasons, one for each item."""
    if error.response["Error"]["Code"] != "TransactionCanceledException":
        return failure(error)
    reasons = []
    response: dict[str, Any] = dict(error.response)
    for reason in response.get("CancellationReasons", ()):
        entry: dict[str, Any] = {"type": reason.get("Code", "None"), "message": reason.get("Message")}
        if reason.get("Item"):
            entry["item"] = to_plain_item(reason["Item"])
        reasons.append(entry)
    return failure(error, {member: None, "cancellationReasons": reasons})
