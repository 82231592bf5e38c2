"""Sort items: what `products` reads, one for each order of each category that a product is in, in the table `Search`.

`streams/project` derives them from the product. A partition is one order of one category, or of all products, and its
sort keys have the order of the values, so that a page of any of these lists is one `Query`. An item also has what a
filter needs to know of the product, but for the stock, which changes with each sale.
"""

from __future__ import annotations

import json
import struct
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from typing import Any, NamedTuple

from domain.shop import filters, product
from domain.shop.filters import Expression, Values
from domain.shop.product import Product
from domain.table import Item

PREFIX = "SORT#"
MAX_SORT_TITLE = 200  # characters that decide the order; so a key stays below DynamoDB's 1,024 bytes
_MAX_TEXT = 500  # characters of a member that an item keeps for filters

# Ids have letters, digits and `-`: whatever follows a value in a key is above `#` and below this.
_AFTER_IDS = "$"
_LAST = "\U0010ffff"  # which no key has


class By(Enum):
    """What a partition is sorted by. NEWEST goes up with the time of creation too: the newest is at its end."""

    PRICE = "PRICE"
    RATING = "RATING"
    TITLE = "TITLE"
    NEWEST = "NEWEST"


class Keys(NamedTuple):
    """A range of sort keys, both ends inside."""

    low: str
    high: str

    @property
    def is_empty(self) -> bool:
        """Whether no key is inside."""
        return self.low > self.high


_WHOLE = Keys("\t", _LAST)  # from titles of no letter on
_NONE = Keys(_LAST, "\t")


def partition(category: str | None, by: By) -> str:
    """The partition of one order of a category, or of all products."""
    return f"{PREFIX}{'ALL' if category is None else f'IN#{category}'}#{by.value}"


def sort_key(by: By, found: Product) -> str:
    """Where a product is in an order; what is equal is sorted by id."""
    return f"{_VALUES[by](found)}#{found['id']}"


def id_of(sk: str) -> str:
    """The product that a sort key names."""
    return sk.rpartition("#")[2]


def items_of(product_id: str, item: Mapping[str, Any]) -> list[Item]:
    """The sort items of a product, as its item in the main table has it, whoever wrote that.

    None of an id that no product can have: it could not be told from the value before it.
    """
    if not product.is_id(product_id):
        return []
    found = product.from_item(product.key(product_id)[0], item)
    compact = _compact(found)
    return [
        {"pk": partition(category, by), "sk": sort_key(by, found), **compact}
        for category in (None, *found["path"])
        for by in By
    ]


def is_at(found: Product, category: str | None, by: By, sk: str) -> bool:
    """Whether a product is where a sort item says; when it has moved its new sort items are on their way."""
    return (category is None or category in found["path"]) and sort_key(by, found) == sk


# --- the order: texts that sort, by code points or by bytes of UTF-8, as the values do ---


def encode_number(value: int | None) -> str:
    """A whole number from 0 to 10 digits; a missing one is the lowest."""
    return "0" if value is None else f"1{value:010d}"


def encode_rating(value: float | None) -> str:
    """A rating from 0 up; a missing one is the lowest. The bytes of floats that are not negative sort as they do."""
    return "0" if value is None else f"1{struct.pack('>d', value + 0.0).hex()}"  # + 0.0: minus zero is zero


def encode_title(title: str) -> str:
    """A title as lists are sorted by it: without case and accents, otherwise by code points, up to its 200th character.

    The tab at its end is below all that a title can have, so that a title comes before those that begin with it.
    """
    return f"{normalised(title)}\t"


def normalised(text: str) -> str:
    """A text without case, accents and control characters. What a text begins with, its normalised form begins with."""
    folded = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold()).replace(_LAST, "\U0010fffe")
    return "".join(max(" ", each) for each in folded if not unicodedata.combining(each))[:MAX_SORT_TITLE]


_VALUES: Mapping[By, Callable[[Product], str]] = {
    By.PRICE: lambda found: encode_number(found["price"]),
    By.RATING: lambda found: encode_rating(found["rating"]),
    By.TITLE: lambda found: encode_title(found["title"]),
    By.NEWEST: lambda found: found["createdAt"],  # ISO times of one shape
}


# --- the part of an order that a filter leaves ---

_MAX_PRICE = 2**31  # above every price


def keys(by: By, expression: Expression) -> Keys:
    """The keys that a product can have to which a filter applies, by the filter's top-level conditions."""
    if by is By.TITLE:
        return _title_keys(expression)
    if by is By.NEWEST:
        return _WHOLE
    member, most = ("price", _MAX_PRICE) if by is By.PRICE else ("rating", product.MAX_RATING)
    within = filters.number_range(expression, member)
    if not within.is_bounded:
        return _WHOLE
    within &= filters.Range(0, most)
    if within.is_empty:
        return _NONE
    assert within.low is not None
    assert within.high is not None
    encode = encode_number if by is By.PRICE else encode_rating
    low, high = encode(within.low), encode(within.high)  # type: ignore[arg-type]  # a price's bounds are whole numbers
    return Keys(low + (_AFTER_IDS if within.low_open else "#"), high + ("#" if within.high_open else _AFTER_IDS))


def _title_keys(expression: Expression) -> Keys:
    low, high = _WHOLE
    if beginnings := [normalised(each) for each in filters.beginnings(expression, "title")]:
        low, high = max(beginnings), min(f"{each}{_LAST}" for each in beginnings)
    if (titles := filters.texts(expression, "title")) is not None:
        if not titles:
            return _NONE
        exact = sorted(encode_title(each) for each in titles)
        low, high = max(low, f"{exact[0]}#"), min(high, f"{exact[-1]}{_AFTER_IDS}")
    return Keys(low or _WHOLE.low, high)


def before(sk: str) -> str:
    """The highest text below a sort key that is not above any other sort key below it."""
    return f"{sk[:-1]}{chr(ord(sk[-1]) - 1)}~"


def after(sk: str) -> str:
    """The lowest text above a sort key that is not below any other sort key above it."""
    return f"{sk}!"


# --- what a sort item knows of its product ---

_UNKNOWN = "u"  # names the members that are too long for an item


def _compact(found: Product) -> Item:
    # One text, not an attribute each: a page looks at 500 items, and most of its time went into parsing them.
    texts: Mapping[str, Sequence[str] | None] = {"t": found["title"], "a": found["authors"], "l": found["language"]}
    too_long = [name for name, each in texts.items() if len("".join(each or "")) > _MAX_TEXT]
    kept: dict[str, Any] = {name: each for name, each in texts.items() if name not in too_long}
    kept |= {"p": found["price"], "y": found["year"], "r": found["rating"], _UNKNOWN: too_long or None}
    known = {name: each for name, each in kept.items() if each is not None}
    return {"members": json.dumps(known, ensure_ascii=False, separators=(",", ":"))}


def values(item: Mapping[str, Any]) -> Values:
    """The members of a product that its sort item knows, for a filter; none of an item that we have not written."""
    if "members" not in item:
        return {}
    kept = json.loads(item["members"])
    too_long = kept.get(_UNKNOWN, ())
    return {member: kept.get(name) for member, name in _NAMES.items() if name not in too_long}


_NAMES = {"title": "t", "authors": "a", "language": "l", "price": "p", "year": "y", "rating": "r"}
