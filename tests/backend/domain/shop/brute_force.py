"""What `products` must answer, by reading everything: written from the schema's words, with nothing of the shop's code.

A product is here what the API shows of it, a filter what a client sends.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any

Product = Mapping[str, Any]


def listed(
    products: Iterable[Product], category: str | None, given: Mapping[str, Any] | None, sort: str
) -> list[Product]:
    """All products of a list, in its order."""
    chosen = [each for each in products if category is None or category in each["path"]]
    chosen = [each for each in chosen if wanted(each, given or {})]
    value, _, direction = sort.partition("_")
    if value in ("NEWEST", "OLDEST"):
        direction = "DESC" if value == "NEWEST" else "ASC"
    return sorted(chosen, key=lambda each: (rank(each, value), each["id"]), reverse=direction == "DESC")


def rank(found: Product, value: str) -> Any:
    """What an order goes by: without case and accents for a title; below everything for what is missing."""
    if value in ("PRICE", "RATING"):
        given = found[value.lower()]
        return -1 if given is None else given
    if value == "TITLE":
        title = unicodedata.normalize("NFKD", found["title"]).casefold()
        title = unicodedata.normalize("NFKD", title).replace("\U0010ffff", "\U0010fffe")
        return "".join(" " if each < " " else each for each in title if not unicodedata.combining(each))[:200]
    return found["createdAt"]


def wanted(found: Product, given: Mapping[str, Any]) -> bool:
    """Whether a product is what a filter asks for."""
    for name, inner in given.items():
        if name == "and":
            if not all(wanted(found, each) for each in inner):
                return False
        elif name == "or":
            if not any(wanted(found, each) for each in inner):
                return False
        elif name == "not":
            if wanted(found, inner):
                return False
        else:
            there = found["authors"] if name == "author" else [found[name]]
            there = [each for each in there if each is not None]
            for operator, operand in inner.items():
                if operator == "ne":
                    if operand in there:
                        return False
                elif not any(meets(each, operator, operand) for each in there):
                    return False
    return True


def meets(value: Any, operator: str, operand: Any) -> bool:
    """One comparison."""
    match operator:
        case "eq":
            return bool(value == operand)
        case "in":
            return any(value == each for each in operand)
        case "lt":
            return bool(value < operand)
        case "le":
            return not value > operand
        case "gt":
            return bool(value > operand)
        case "ge":
            return not value < operand
        case "between":
            return not (value < operand[0] or value > operand[1])
        case "contains":
            return bool(value.find(operand) >= 0)
        case "beginsWith":
            return bool(value[: len(operand)] == operand)
    raise AssertionError(operator)
