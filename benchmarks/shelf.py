"""A catalogue in memory behind boto3's calls, so that a search runs on it as it is and what it reads is counted.

It answers the two calls that a search makes, and counts by AWS's rules: a Query pays for all that it reads together, a
BatchGetItem for each item, in units of 4 KB, half when eventually consistent.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html
"""

from __future__ import annotations

import csv
import math
import random
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from benchmarks.misspellings import Book, edit
from domain.clock import SYSTEM
from domain.shop import search_index
from domain.shop.search import Search
from domain.table import Item, Table, to_attributes
from domain.threads import Threads

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_UNIT_BYTES = 4096

Attributes = dict[str, dict[str, Any]]


@dataclass
class Reads:
    """What was read so far."""

    requests: int = 0
    items: int = 0
    bytes: int = 0
    units: float = 0


class Shelf:
    """Items of tables, by partition."""

    def __init__(self) -> None:
        self.reads = Reads()
        self._partitions: dict[tuple[str, str], dict[str, Attributes]] = {}
        self._order: dict[tuple[str, str], list[str]] = {}

    def put(self, table: str, item: Item) -> None:
        """Store an item."""
        self._partitions.setdefault((table, item["pk"]), {})[item["sk"]] = to_attributes(item)
        self._order.pop((table, item["pk"]), None)

    def count(self, table: str, prefix: str) -> int:
        """How many items of a table have keys that begin so."""
        return sum(
            len(each) for (name, pk), each in self._partitions.items() if name == table and pk.startswith(prefix)
        )

    def query(self, **request: Any) -> dict[str, Any]:
        """DynamoDB's Query, of one partition between two sort keys."""
        assert request["KeyConditionExpression"] == "pk = :pk AND sk BETWEEN :low AND :high"
        values = {name: value["S"] for name, value in request["ExpressionAttributeValues"].items()}
        place = request["TableName"], values[":pk"]
        partition = self._partitions.get(place, {})
        order = self._order.setdefault(place, sorted(partition))
        keys = order[bisect_left(order, values[":low"]) : bisect_right(order, values[":high"])]
        if not request["ScanIndexForward"]:
            keys.reverse()
        items = [partition[key] for key in keys[: request["Limit"]]]
        size = sum(map(_bytes, items))
        self._count(items, math.ceil(max(size, 1) / _UNIT_BYTES), consistent=request["ConsistentRead"])
        last = {"LastEvaluatedKey": {"pk": {"S": values[":pk"]}}} if len(items) < len(keys) else {}
        return {"Items": items, **last}

    def batch_get_item(self, RequestItems: Mapping[str, Any]) -> dict[str, Any]:  # noqa: N803 - boto3's name
        """DynamoDB's BatchGetItem, of one table."""
        ((table, request),) = RequestItems.items()
        asked = [(key["pk"]["S"], key["sk"]["S"]) for key in request["Keys"]]
        found = [item for pk, sk in asked if (item := self._partitions.get((table, pk), {}).get(sk))]
        units = sum(math.ceil(_bytes(item) / _UNIT_BYTES) for item in found) + len(asked) - len(found)
        self._count(found, units, consistent=request["ConsistentRead"])
        return {"Responses": {table: found}, "UnprocessedKeys": {}}

    def _count(self, items: Sequence[Attributes], units: int, *, consistent: bool) -> None:
        self.reads.requests += 1
        self.reads.items += len(items)
        self.reads.bytes += sum(map(_bytes, items))
        self.reads.units += units if consistent else units / 2


def _bytes(item: Attributes) -> int:
    return sum(
        len(name.encode()) + sum(len(str(each).encode()) for each in value.values()) for name, value in item.items()
    )


def filled(
    books: Iterable[Book], ratings: Mapping[str, int] | None = None, threads: Threads = map
) -> tuple[Shelf, Search]:
    """Books on a shelf with what the projection would have put into the index, and the search of them."""
    shelf = Shelf()
    known: set[str] = set()
    for book in books:
        item: Item = {"pk": f"PRODUCT#{book.id}", "sk": "PRODUCT", "title": book.title, "authors": list(book.authors)}
        item |= {"ratingsCount": ratings.get(book.id, 0)} if ratings else {}
        shelf.put("MainTable", item)
        for each in search_index.items_of(book.id, item):
            shelf.put("Search", each)
        for word in search_index.words_of(book.id, item):
            if word not in known:
                known.add(word)
                for each in search_index.dictionary_items(word):
                    shelf.put("Search", each)
    client = cast("DynamoDBClient", shelf)
    return shelf, Search(Table("MainTable", client), Table("Search", client), threads, SYSTEM)


def grown(books: Sequence[Book], times: int, seed: int = 1) -> list[Book]:
    """The books, and more of their kind: half a title with its brackets, half of another's, and a third's authors.

    So common words become more common; new ones, of which a real catalogue this size has some, are made by a slip.
    """
    rng = random.Random(seed)
    made = list(books)
    while len(made) < times * len(books):
        one, other, author = rng.choices(books, k=3)
        words, rest = one.short_title.split(), other.short_title.split()
        title = " ".join(words[: (len(words) + 1) // 2] + rest[len(rest) // 2 :])
        title = edit(title, rng) if rng.random() < 0.1 else title
        made.append(Book(f"made-{len(made)}", title + one.title[len(one.short_title) :], author.authors))
    return made


def read_books(path: Path) -> tuple[list[Book], dict[str, int]]:
    """The books of a file, and how often each was rated."""
    with path.open(newline="", encoding="utf-8") as file:
        rows = [*csv.DictReader(file)]
    books = [
        Book(f"book-{row['book_id']}", row["title"], tuple(each.strip() for each in row["authors"].split(",")))
        for row in rows
    ]
    return books, {book.id: int(row["ratings_count"]) for book, row in zip(books, rows, strict=True)}
