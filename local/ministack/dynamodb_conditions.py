"""The condition keys of DynamoDB requests: `dynamodb:LeadingKeys`, `Attributes`, `Select` and what is returned.

After the DynamoDB Developer Guide, "Using IAM policy conditions for fine-grained access control", and the Service
Authorization Reference. A batch has the keys of each of its tables, a transaction those of each of its items.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ministack.core import iam_actions
from ministack.services import dynamodb

Context = dict[str, Any]

_EXPRESSIONS = (
    "ProjectionExpression", "KeyConditionExpression", "FilterExpression", "UpdateExpression", "ConditionExpression",
)  # fmt: skip
# The first name of a document path; not a path's later names, a value (:v) or a function's name.
_NAME = re.compile(r"(?<![\w.:#\]-])(#?[A-Za-z_][\w-]*)(?!\s*\(|[\w-])")
_KEYWORDS = frozenset({"SET", "REMOVE", "ADD", "DELETE", "AND", "OR", "NOT", "BETWEEN", "IN"})
_EQUALS = re.compile(r"(#?[\w.-]+)\s*=\s*(:\w+)")
_WRITES = frozenset({"Item", "UpdateExpression", "AttributeUpdates", "ReturnValues"})


def contexts(body: bytes) -> Iterator[tuple[str, Context]]:
    """The table (as the request names it) and the condition keys of each check that a request is subject to.

    They come in the order in which MiniStack checks them; a request that names no table has none.
    """
    try:
        request = json.loads(body or b"{}")
    except ValueError:
        return
    if not isinstance(request, dict):
        return
    if isinstance(request.get("TransactItems"), list):
        yield from _transaction(request["TransactItems"])
    elif isinstance(request.get("RequestItems"), dict):
        for table, entry in request["RequestItems"].items():
            yield table, _batch(table, entry) | _returned(request)
    elif isinstance(request.get("TableName"), str):
        yield request["TableName"], _single(request["TableName"], request)


def _transaction(items: Iterable[Any]) -> Iterator[tuple[str, Context]]:
    for item in items:
        for member in iam_actions._DYNAMODB_TRANSACT_ITEM_ACTIONS:
            detail = item.get(member) if isinstance(item, dict) else None
            if isinstance(detail, dict) and isinstance(detail.get("TableName"), str) and detail["TableName"]:
                yield detail["TableName"], _single(detail["TableName"], detail)


def _single(table: str, request: Mapping[str, Any]) -> Context:
    context: Context = {}
    names = _attributes(request)
    if names:
        context["dynamodb:attributes"] = sorted(names)
    hash_key = _hash_key(table, request.get("IndexName"))
    if hash_key is not None:
        leading = [*_values([request.get("Key"), request.get("Item")], hash_key), *_queried(request, hash_key)]
        if leading:
            context["dynamodb:leadingkeys"] = leading
    return context | _returned(request) | {"dynamodb:select": _select(request)}


def _batch(table: str, entry: Any) -> Context:
    """The keys of one table of a batch: `{Keys, ProjectionExpression, ...}` to read, a list of requests to write."""
    items: list[Any] = []
    if isinstance(entry, dict):
        items = [item for item in entry.get("Keys") or () if isinstance(item, dict)]
    elif isinstance(entry, list):
        items = [
            part.get("Item") or part.get("Key")
            for request in entry if isinstance(request, dict)
            for part in request.values() if isinstance(part, dict)
        ]  # fmt: skip
    names = _attributes(entry) if isinstance(entry, dict) else set()
    names.update(name for item in items if isinstance(item, dict) for name in item)
    context: Context = {"dynamodb:attributes": sorted(names)} if names else {}
    hash_key = _hash_key(table, None)
    leading = _values(items, hash_key) if hash_key else []
    if leading:
        context["dynamodb:leadingkeys"] = leading
    if isinstance(entry, dict):
        context["dynamodb:select"] = _select(entry)
    return context


def _hash_key(table: str, index: Any) -> str | None:
    """The partition key's name, of the table or of one of its indexes."""
    record = dynamodb._tables.get(table.rpartition("/")[2])
    if record is None:
        return None
    if not index:
        return str(record["pk_name"])
    for each in [*(record.get("GlobalSecondaryIndexes") or ()), *(record.get("LocalSecondaryIndexes") or ())]:
        if each.get("IndexName") == index:
            return next((k["AttributeName"] for k in each["KeySchema"] if k["KeyType"] == "HASH"), None)
    return None


def _values(items: Iterable[Any], name: str) -> list[str]:
    return [text for item in items if isinstance(item, dict) and (text := _text(item.get(name))) is not None]


def _text(value: Any) -> str | None:
    """A key's value, `{"S": "a"}`, as policies write it."""
    found = next(iter(value.values()), None) if isinstance(value, dict) else None
    return found if isinstance(found, str) else None


def _queried(request: Mapping[str, Any], hash_key: str) -> list[str]:
    """The partition that a Query names."""
    values = request.get("ExpressionAttributeValues") or {}
    names = request.get("ExpressionAttributeNames") or {}
    for name, value in _EQUALS.findall(str(request.get("KeyConditionExpression") or "")):
        if names.get(name, name) == hash_key:
            return _values([{hash_key: values.get(value)}], hash_key)
    condition = (request.get("KeyConditions") or {}).get(hash_key) or {}
    return [text for value in condition.get("AttributeValueList") or () if (text := _text(value)) is not None]


def _attributes(request: Mapping[str, Any]) -> set[str]:
    """The top-level attributes that a request names, anywhere."""
    aliases = request.get("ExpressionAttributeNames") or {}
    names: set[str] = set(request.get("AttributesToGet") or ())
    for member in ("Key", "Item", "AttributeUpdates", "Expected", "KeyConditions", "QueryFilter", "ScanFilter"):
        names.update(request.get(member) or ())
    for member in _EXPRESSIONS:
        for name in _NAME.findall(str(request.get(member) or "")):
            if name.upper() not in _KEYWORDS:
                names.add(str(aliases.get(name, name)))
    return names


def _select(request: Mapping[str, Any]) -> str:
    projected = bool(request.get("ProjectionExpression") or request.get("AttributesToGet"))
    return str(request.get("Select") or ("SPECIFIC_ATTRIBUTES" if projected else "ALL_ATTRIBUTES"))


def _returned(request: Mapping[str, Any]) -> Context:
    context = {"dynamodb:returnconsumedcapacity": str(request.get("ReturnConsumedCapacity") or "NONE")}
    if _WRITES & request.keys():
        context["dynamodb:returnvalues"] = str(request.get("ReturnValues") or "NONE")
    return context
