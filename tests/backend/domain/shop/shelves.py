"""Catalogues for tests and benchmarks: products as the API shows them, and the same in the tables."""

from __future__ import annotations

import csv
import random
import time
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any

from domain import times
from domain.shop import sort_items
from domain.table import Table

Product = dict[str, Any]

TREE = [["books"], ["books", "fantasy"], ["books", "fantasy", "dragons"], ["books", "crime"], ["games"]]
# What clients may ask for: what an order's own key serves, what is filtered, and what contradicts itself.
FILTERS: list[dict[str, Any]] = [
    {},
    {"price": {"between": [499, 2000]}},
    {"price": {"in": [0, 999]}, "stock": {"gt": 0}},
    {"rating": {"ge": 3.5, "lt": 4.5}},
    {"not": {"rating": {"ge": 3.5}}},
    {"year": {"ne": 1999}, "language": {"in": ["fr", "de"]}},
    {"stock": {"eq": 0}},
    {"author": {"contains": "Lee"}},
    {"author": {"ne": "Ann Lee", "beginsWith": "J"}},
    {"title": {"beginsWith": "Été"}},
    {"title": {"contains": "Dune"}, "price": {"lt": 3000}},
    {"or": [{"price": {"lt": 500}}, {"not": {"stock": {"lt": 40}}}, {"title": {"eq": ""}}]},
    {"and": [{"price": {"gt": 100}}, {"and": [{"price": {"le": 999}}, {"or": [{"language": {"eq": "en"}}]}]}]},
    {"not": {"and": [{"title": {"contains": "the"}}, {"rating": {"lt": 4}}]}},
    {"price": {"lt": 5}, "and": [{"price": {"gt": 5}}]},
]

_WORDS = ["Night", "night", "Été", "ete", "Dune", "the", "The", "of", "Zen", "Ágnes", "日本", "#1", "(II)", "!"]
_NAMES = ["Ann Lee", "Bo Ek", "Émile Zola", "Lee Child", "J.R.R. Tolkien"]
_NOON = 1_795_262_400_000  # 2026-11-21T12:00:00Z


def generated(count: int, seed: int = 7) -> list[Product]:
    """Products of which many lack something and many have equal values."""
    rng = random.Random(seed)

    def perhaps(value: Any) -> Any:
        return None if rng.random() < 0.1 else value

    return [
        _product(
            f"p-{rng.randrange(16**8):08x}-{number}",
            title=perhaps(" ".join(rng.choices(_WORDS, k=rng.randrange(1, 5)))) or "",
            authors=rng.sample(_NAMES, rng.randrange(3)),
            path=rng.choice(TREE),
            price=perhaps(rng.choice([0, 499, 999, rng.randrange(5000)])),
            stock=rng.choice([0, 0, 1, rng.randrange(50)]),
            rating=perhaps(rng.randrange(200, 501) / 100),
            year=perhaps(rng.randrange(1950, 2026)),
            language=perhaps(rng.choice(["en", "fr", "de"])),
            created_ms=_NOON + rng.randrange(count // 2 + 1),
        )
        for number in range(count)
    ]


def books(path: Path, count: int) -> list[Product]:
    """The first books of the file, with what it lacks made up from their ids."""
    with path.open(newline="", encoding="utf-8") as file:
        rows = [*islice(csv.DictReader(file), count)]
    return [
        _product(
            f"book-{row['book_id']}",
            title=row["title"],
            authors=[each.strip() for each in row["authors"].split(",")],
            path=TREE[int(row["book_id"]) % len(TREE)],
            price=499 + int(row["book_id"]) * 7919 % 4000,
            stock=int(row["book_id"]) * 31 % 40,
            rating=float(row["average_rating"]),
            year=int(float(row["original_publication_year"])) if row["original_publication_year"] else None,
            language=row["language_code"] or None,
            created_ms=_NOON + int(row["book_id"]),
        )
        for row in rows
    ]


def _product(product_id: str, *, created_ms: int, **members: Any) -> Product:
    return {"id": product_id, **members, "createdAt": times.to_iso(created_ms)}


def item(found: Mapping[str, Any]) -> dict[str, Any]:
    """A product's item in the main table."""
    kept = {name: value for name, value in found.items() if value is not None and name != "id"}
    if "rating" in kept:
        kept["rating"] = Decimal(str(kept["rating"]))
    return {"pk": f"PRODUCT#{found['id']}", "sk": "PRODUCT", **kept}


def fill(main: Table, search: Table, products: Iterable[Product]) -> None:
    """Put products and their sort items into the tables, as if nothing lagged behind."""
    items = {found["id"]: item(found) for found in products}
    deadline = time.monotonic() + 600
    with ThreadPoolExecutor(4) as pool:
        main.put_all(items.values(), deadline, threads=pool.map)
        derived = (each for product_id, found in items.items() for each in sort_items.items_of(product_id, found))
        search.put_all(derived, deadline, threads=pool.map)
