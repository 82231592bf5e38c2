"""What a list of books lacks and a shop needs, made up from the book's id: the same on every machine, every time.

Nothing of this is true of the books. A product names the members that were made up in `derived`. The hash spreads books
over the genres by these weights, so that one genre is large and one is small; it says nothing about their content.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import Any, NamedTuple

ROOT = "book"
ROOT_NAME = "Book"


class Genre(NamedTuple):
    """A category below the root. `weight`: how many of 1,000 books are in it."""

    id: str
    name: str
    weight: int


GENRES = (
    Genre("fiction", "Fiction", 300),
    Genre("fantasy", "Fantasy", 150),
    Genre("mystery", "Mystery", 110),
    Genre("romance", "Romance", 100),
    Genre("science-fiction", "Science fiction", 80),
    Genre("history", "History", 70),
    Genre("young-adult", "Young adult", 60),
    Genre("biography", "Biography", 45),
    Genre("children", "Children", 35),
    Genre("classics", "Classics", 25),
    Genre("philosophy", "Philosophy", 20),
    Genre("poetry", "Poetry", 5),
)
_ALL = sum(genre.weight for genre in GENRES)

OUT_OF_STOCK_PERCENT = 4
MOST_STOCK = 100


def genre(key: str) -> Genre:
    """The genre of the book with a key."""
    place = _draw(key, "category") % _ALL
    for each in GENRES:
        place -= each.weight
        if place < 0:
            return each
    raise AssertionError("the weights are those of all genres")


def price(key: str, rating: float | None, ratings_count: int | None) -> int:
    """Cents, from 3.99 EUR on: a part drawn by the key, more for a good rating, less for what many have read."""
    liked = round(max(0.0, (rating or 3.0) - 3.0) * 200)
    common = min(len(str(ratings_count or 0)), 7) * 30
    return 599 + 10 * (_draw(key, "price") % 240) + liked - common


def stock(key: str) -> int:
    """Pieces: none of some books, 1 to 100 of the others."""
    if _draw(key, "sold out") % 100 < OUT_OF_STOCK_PERCENT:
        return 0
    return 1 + _draw(key, "stock") % MOST_STOCK


def description(product: Mapping[str, Any], editions: int | None) -> str:
    """A sentence or two of what the other columns say."""
    authors: list[str] = product["authors"]
    text: str = product["title"]
    if authors:
        text += f" by {authors[0]}" if len(authors) == 1 else f" by {', '.join(authors[:-1])} and {authors[-1]}"
    year = product.get("year")
    if year:
        text += f", first published in {year if year > 0 else f'{-year} BC'}"
    text += "."
    if product.get("rating") is not None and product.get("ratingsCount"):
        text += f" Readers give it {product['rating']:.2f} of 5, in {product['ratingsCount']:,} ratings."
    if editions:
        text += f" There {'is one edition' if editions == 1 else f'are {editions:,} editions'}."
    return text[:4000]


def _draw(key: str, what: str) -> int:
    """A number that looks like chance."""
    return int.from_bytes(sha256(f"{what}\0{key}".encode()).digest()[:8], "big")
