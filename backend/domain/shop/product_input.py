"""What sellers may say of a product: a rule for each member, named as the schema names it."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from domain import validation
from domain.errors import InvalidInput
from domain.shop import category, money, product

MAX_TITLE = 256
MAX_AUTHORS = 100
MAX_AUTHOR = 128
MAX_DESCRIPTION = 4000
MAX_STOCK = 1_000_000
MAX_URL = 1000
MAX_YEAR = 9999

# What reads a member of an input as the attribute of the item, or raises InvalidInput.
Rule = Callable[[str, Any], Any]


def attributes_of(where: str, members: Mapping[str, Any], rules: Mapping[str, Rule]) -> dict[str, Any]:
    """The attributes that members of an input are about; None for one that the input takes away.

    Args:
        where: the input's own name, such as `input`.
        members: what the caller gave; what it did not is not in it.
        rules: for each member that there may be.

    Raises:
        InvalidInput: a member breaks its rule.
    """
    read: dict[str, Any] = {}
    for name, value in members.items():
        field = f"{where}.{name}"
        if value is None and name not in _REQUIRED:
            read[name] = None
        elif value is None:
            raise InvalidInput(field, "must not be null.")
        else:
            read[name] = rules[name](field, value)
    return read


def attributes_of_new(where: str, members: Mapping[str, Any], rules: Mapping[str, Rule]) -> dict[str, Any]:
    """The same of a whole product: what is null in it is as what was left out."""
    given = {name: value for name, value in members.items() if value is not None or name in _NEEDED}
    return attributes_of(where, given, rules)


def product_id(field: str, value: str) -> str:
    """An id that a seller chose. Raises InvalidInput."""
    if not product.is_id(value):
        raise InvalidInput(field, "must be 1 to 64 letters, digits or hyphens.")
    return value


def category_id(field: str, value: str) -> str:
    """The id of a category, be it there or not. Raises InvalidInput."""
    if not category.is_id(value):
        raise InvalidInput(field, "must be 1 to 64 small letters, digits or hyphens.")
    return value


def price(field: str, value: int) -> int:
    """A price in cents. Raises InvalidInput."""
    return validation.between(field, value, 0, money.MAX_PRICE)


def stock(field: str, value: int) -> int:
    """A number of pieces. Raises InvalidInput."""
    return validation.between(field, value, 0, MAX_STOCK)


def by(field: str, value: int) -> int:
    """By how many pieces a stock changes. Raises InvalidInput."""
    if value == 0:
        raise InvalidInput(field, "must not be 0.")
    return validation.between(field, value, -MAX_STOCK, MAX_STOCK)


def _title(field: str, value: str) -> str:
    return validation.label(field, value, MAX_TITLE)


def _authors(field: str, value: Sequence[str]) -> list[str]:
    if len(value) > MAX_AUTHORS:
        raise InvalidInput(field, f"must have at most {MAX_AUTHORS} names, not {len(value)}.")
    return [validation.label(f"{field}[{place}]", each, MAX_AUTHOR) for place, each in enumerate(value)]


def _description(field: str, value: str) -> str:
    return validation.at_most(field, value, MAX_DESCRIPTION)


def _rating(field: str, value: float) -> Decimal:
    if not math.isfinite(value) or not 0 <= value <= product.MAX_RATING:
        raise InvalidInput(field, f"must be 0 to {product.MAX_RATING}, not {value}.")
    return Decimal(str(round(value, 2)))


def _ratings_count(field: str, value: int) -> int:
    return validation.between(field, value, 0, validation.MAX_SEQ)


def _year(field: str, value: int) -> int:
    return validation.between(field, value, -MAX_YEAR, MAX_YEAR)


def _language(field: str, value: str) -> str:
    return _matching(field, value, "[A-Za-z]{2,8}(-[0-9A-Za-z]{1,8}){0,3}", "a language's code, such as eng or en-US")


def _isbn(field: str, value: str) -> str:
    return _matching(field, value, "[0-9]{1,12}[0-9Xx]", "digits without hyphens, of which the last may be an X")


def _image_url(field: str, value: str) -> str:
    validation.at_most(field, value, MAX_URL)
    if product.url(value) is None:
        raise InvalidInput(field, "must be an http or https URL.")
    return value


def _category(field: str, value: str) -> str:
    del field  # whether there is such a category is the use case's to find out
    return value


def _derived(field: str, value: Sequence[str]) -> list[str]:
    for place, each in enumerate(value):
        if each not in RULES or each in value[:place]:
            raise InvalidInput(f"{field}[{place}]", "must be a member of the product that is not named before.")
    return list(value)


def _matching(field: str, value: str, pattern: str, words: str) -> str:
    if re.fullmatch(pattern, value) is None:
        raise InvalidInput(field, f"must be {words}.")
    return value


_REQUIRED = frozenset({"title", "authors", "category", "price", "stock", "derived"})

_NEEDED = frozenset({"title", "category", "price"})

EDITED: Mapping[str, Rule] = {
    "title": _title, "authors": _authors, "category": _category, "description": _description, "rating": _rating,
    "ratingsCount": _ratings_count, "year": _year, "language": _language, "isbn": _isbn, "imageUrl": _image_url,
}  # fmt: skip
"""What is edited under a version."""
RULES: Mapping[str, Rule] = {**EDITED, "price": price, "stock": stock}
"""All that a product is made of."""
IMPORTED: Mapping[str, Rule] = {**RULES, "derived": _derived}
"""What an import says of it."""
