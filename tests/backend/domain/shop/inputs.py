"""Strategies: products as raw items of the main table, and filters as clients send them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from domain import times

WORDS = ["The", "the", "Été", "ete", "Dune", "DUNE", "II", " ", "#", "!", "\t", "ß", "ss", "日本", "a", "Z", "$", "~"]
TITLES = st.one_of(st.lists(st.sampled_from(WORDS), max_size=4).map("".join), st.text(max_size=8))
AUTHORS = st.sampled_from(["Ann", "ann", "Bo Bo", "Émile", ""])
CATEGORIES = [["books"], ["books", "fantasy"], ["books", "fantasy", "dragons"], ["games"]]
PRICES = st.one_of(st.integers(0, 9), st.integers(0, 2**31 - 1))
RATINGS = st.one_of(st.integers(0, 5).map(Decimal), st.integers(0, 500).map(lambda cents: Decimal(cents) / 100))

items: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {},
    optional={
        "title": TITLES,
        "authors": st.lists(AUTHORS, max_size=3),
        "price": PRICES.map(Decimal),
        "rating": RATINGS,
        "year": st.integers(-1, 3).map(Decimal),
        "stock": st.integers(0, 3).map(Decimal),
        "language": st.sampled_from(["en", "fr", "EN"]),
        "path": st.sampled_from(CATEGORIES),
        "createdAt": st.integers(0, 5).map(times.to_iso),
    },
)


Objects = st.SearchStrategy[dict[str, Any]]


def _one(members: dict[str, st.SearchStrategy[Any]]) -> Objects:
    """An object with one of the members."""
    return st.one_of([st.fixed_dictionaries({name: values}) for name, values in members.items()])


def _some(members: dict[str, st.SearchStrategy[Any]]) -> Objects:
    """An object with one or two of the members."""
    return st.builds(lambda one, other: one | other, _one(members), st.just({}) | _one(members))


def _comparisons(values: st.SearchStrategy[Any], *, texts: bool = False) -> Objects:
    operators = ("eq", "ne", "contains", "beginsWith") if texts else ("eq", "ne", "lt", "le", "gt", "ge")
    members: dict[str, st.SearchStrategy[Any]] = dict.fromkeys(operators, values)
    members["in"] = st.lists(values, max_size=3)
    if not texts:
        members["between"] = st.tuples(values, values).map(list)
    return _some(members)


_LEAVES = _some(
    {
        "price": _comparisons(PRICES),
        "rating": _comparisons(RATINGS.map(float)),
        "year": _comparisons(st.integers(-1, 3)),
        "stock": _comparisons(st.integers(0, 3)),
        "author": _comparisons(AUTHORS, texts=True),
        "language": _comparisons(st.sampled_from(["en", "fr", "EN"]), texts=True),
        "title": _comparisons(TITLES, texts=True),
    }
)


def _combined(inner: Objects) -> Objects:
    lists = st.lists(inner, min_size=1, max_size=2)
    return st.builds(
        lambda leaf, more: leaf | more, st.just({}) | _LEAVES, _one({"and": lists, "or": lists, "not": inner})
    )


filters: Objects = st.one_of(_LEAVES, _combined(_LEAVES), _combined(_combined(_LEAVES)))
