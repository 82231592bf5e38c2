"""Searching products by a text that may have errors in it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypedDict

from domain import rights, validation
from domain.caller import Caller
from domain.clock import Clock
from domain.shop import filters, products, ranking, search_index
from domain.shop.candidates import Candidates
from domain.shop.product import Product
from domain.shop.ranking import Wanted
from domain.table import Table
from domain.threads import Threads

MAX_LIMIT = 50
DEFAULT_LIMIT = 10
MAX_READ = 200
"""Products that are read from the main table: with a filter that few meet, more than are answered."""

_SPARE = 3  # candidates that are read beyond `limit`, for those that are gone, or are matches no more
_BATCH = 100  # what one BatchGetItem takes
_DIGITS = 4
# An answer of AppSync has at most 5 MB, one of Lambda 6. https://docs.aws.amazon.com/general/latest/gr/appsync.html
_MAX_BYTES = 4_000_000


class ProductMatch(TypedDict):
    """A product and how well it matches, as the schema has it."""

    score: float
    product: Product


@dataclass(frozen=True)
class Search:
    """What a search reads, and what it reads it with."""

    products: Table
    index: Table
    threads: Threads
    clock: Clock


def search_products(
    search: Search,
    caller: Caller,
    *,
    text: str,
    filter: Mapping[str, Any] | None = None,  # noqa: A002 - the schema's name
    limit: int | None = None,
) -> list[ProductMatch]:
    """The products that a text means, the best match first; of equal ones the one with more ratings.

    Candidates come from the index, which may lag behind the products by a moment. What is answered is as it is in the
    main table: what is gone, matches no more or does not meet the filter is left out.

    Raises:
        Unauthorized, InvalidInput: the arguments.
        TableError: a table did not answer.
    """
    rights.require(caller, "Query.searchProducts")
    wanted = Wanted(validation.search_text("text", text))
    expression = filters.parse(filter)
    limit = validation.limit(limit, default=DEFAULT_LIMIT, most=MAX_LIMIT)
    if filters.contradicts_itself(expression):
        return []
    now = search.clock.now_ms() // 1000
    scores = Candidates(wanted, search.index, search.threads, now).find()
    ranked = sorted((-score, product_id) for product_id, score in scores.items() if score >= ranking.LEAST)
    first = limit + _SPARE if expression == filters.EVERYTHING else _BATCH
    found: list[ProductMatch] = []
    for product_ids in _batches([product_id for _, product_id in ranked[:MAX_READ]], first):
        for each in products.by_id(search.products, product_ids, now).values():
            score = wanted.match(search_index.texts_of(each["title"], each["authors"])).score
            if score >= ranking.LEAST and filters.matches(expression, each):  # type: ignore[arg-type]
                found.append({"score": round(score, _DIGITS), "product": each})
        if len(found) >= limit:
            break
    found.sort(key=lambda match: (-match["score"], -(match["product"]["ratingsCount"] or 0), match["product"]["id"]))
    return _that_fit(found[:limit])


def _batches(ids: Sequence[str], first: int) -> Iterator[Sequence[str]]:
    start, size = 0, first
    while start < len(ids):
        yield ids[start : start + size]
        start, size = start + size, _BATCH


def _that_fit(found: Sequence[ProductMatch]) -> list[ProductMatch]:
    """As many as an answer can have, at least one."""
    size = 0
    fitting: list[ProductMatch] = []
    for match in found:
        size += len(json.dumps(match))
        if size > _MAX_BYTES and fitting:
            break
        fitting.append(match)
    return fitting
