"""What reads cost on AWS, counted where boto3 sends requests and gets answers, outside the code that makes them.

By DynamoDB's rules a Query pays for all that it reads together, a BatchGetItem for each item, both in units of 4 KB;
eventually consistent reads pay half. What is not found costs a unit too.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

UNIT_BYTES = 4096


@dataclass
class Reads:
    """What was read so far."""

    requests: int = 0
    units: float = 0
    items: int = 0
    """Those that were evaluated, returned or not."""


@contextmanager
def metered(client: DynamoDBClient) -> Iterator[Reads]:
    """Counts the reads of a client."""
    reads = Reads()

    def sent(params: Mapping[str, Any], context: dict[str, Any], **_: Any) -> None:
        context["metered"] = json.loads(params["body"])

    def answered(parsed: Mapping[str, Any], model: Any, context: Mapping[str, Any], **_: Any) -> None:
        request = context["metered"]
        if model.name == "Query":
            # Nothing is filtered in the database, so what is returned is what was read.
            assert parsed["ScannedCount"] == parsed["Count"] == len(parsed["Items"])
            read = sum(map(item_bytes, parsed["Items"]))
            _count(reads, math.ceil(max(read, 1) / UNIT_BYTES), request.get("ConsistentRead"), len(parsed["Items"]))
        elif model.name == "BatchGetItem":
            for table, asked in request["RequestItems"].items():
                found = parsed["Responses"].get(table, [])
                units = sum(math.ceil(item_bytes(item) / UNIT_BYTES) for item in found)
                missing = len(asked["Keys"]) - len(found)
                _count(reads, units + missing, asked.get("ConsistentRead"), len(found))
        else:
            raise AssertionError(f"{model.name} is not metered")
        reads.requests += 1

    client.meta.events.register("before-call.dynamodb", sent)
    client.meta.events.register("after-call.dynamodb", answered)
    try:
        yield reads
    finally:
        client.meta.events.unregister("before-call.dynamodb", sent)
        client.meta.events.unregister("after-call.dynamodb", answered)


def _count(reads: Reads, units: float, consistent: object, items: int) -> None:
    reads.units += units if consistent else units / 2
    reads.items += items


def item_bytes(item: Mapping[str, Mapping[str, Any]]) -> int:
    """The size of an item as DynamoDB counts it: the names of its attributes and their values."""
    return sum(len(name.encode()) + _value_bytes(value) for name, value in item.items())


def _value_bytes(value: Mapping[str, Any]) -> int:
    ((kind, content),) = value.items()
    match kind:
        case "S":
            return len(str(content).encode())
        case "N":
            digits = str(content).strip("-").replace(".", "").strip("0")
            return math.ceil(len(digits) / 2) + 1 + str(content).startswith("-")
        case "L":
            return 3 + sum(1 + _value_bytes(each) for each in content)
        case "M":
            return 3 + sum(1 + len(name.encode()) + _value_bytes(each) for name, each in content.items())
        case "BOOL" | "NULL":
            return 1
    raise AssertionError(f"{kind} is in no item of the shop")
