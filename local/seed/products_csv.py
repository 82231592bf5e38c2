"""Reading lists of products: CSV in, what `importProducts` takes out. No I/O.

Columns are found by their names, in any order: those of the Goodreads lists "goodbooks" and plain ones (`COLUMNS`).
What the file lacks is made up (`made_up`). A file that cannot be read for certain is refused whole, before anything is
sent; a line that is no product is rejected with its number and the reason.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

from local.seed import made_up

# Member of a product -> the columns that have it: the first that the file has counts.
COLUMNS: Mapping[str, tuple[str, ...]] = {
    "id": ("id", "book_id"),
    "title": ("title",),
    "authors": ("authors", "author"),
    "category": ("category",),
    "description": ("description",),
    "price": ("price",),
    "stock": ("stock",),
    "rating": ("rating", "average_rating"),
    "ratingsCount": ("ratings_count", "ratingscount"),
    "year": ("year", "original_publication_year"),
    "language": ("language", "language_code"),
    "isbn": ("isbn",),
    "imageUrl": ("image_url", "imageurl"),
    "editions": ("books_count",),
}
NEEDED = ("id", "title")
MAX_FIELD = 4000  # characters; no member of a product may be longer
_SHOWN = 40  # characters of a value that a reason quotes
_DELIMITERS = (",", ";", "\t")
_BOOK_ID = "book_id"


class MalformedCsvError(Exception):
    """The file is no CSV that can be read for certain; the message says where and why."""


@dataclass(frozen=True, slots=True)
class Category:
    """A category that products of the file are in."""

    id: str
    name: str
    parent: str | None


@dataclass(frozen=True, slots=True)
class Row:
    """A product: where it stands (the number of its first line, from 1), and what to send."""

    line: int
    id: str
    product: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Reject:
    """A line that is no product."""

    line: int
    id: str
    reason: str


@dataclass
class ProductList:
    """A file that was read. `made_up`: of how many products each member was."""

    rows: list[Row] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    categories: dict[str, Category] = field(default_factory=dict)
    made_up: dict[str, int] = field(default_factory=dict)


class _WrongValue(Exception):
    """A field that is not what its column has."""


def parse(data: bytes) -> ProductList:
    """Read a file. Raises MalformedCsvError."""
    text = _decoded(data)
    records = _records(text)
    try:
        _, header = next(records)
    except StopIteration:
        raise MalformedCsvError("it is empty") from None
    places = _places(header)
    found = ProductList()
    lines_of: dict[str, int] = {}
    count = 0
    for line, record in records:
        count += 1
        values = {name: record[place].strip() for name, place in places.items() if place < len(record)}
        row_id = _shown(values.get("id", ""))
        try:
            if len(record) != len(header):
                raise _WrongValue(f"it has {len(record)} fields, the header {len(header)}")
            row, categories = _row(line, values, is_book=header[places["id"]].strip().lower() == _BOOK_ID)
            if row.id in lines_of:
                raise _WrongValue(f"line {lines_of[row.id]} has this id already")
        except _WrongValue as error:
            found.rejects.append(Reject(line, row_id, str(error)))
            continue
        lines_of[row.id] = line
        found.rows.append(row)
        for category in categories:
            found.categories.setdefault(category.id, category)
        for name in row.product["derived"]:
            found.made_up[name] = found.made_up.get(name, 0) + 1
    if not count:
        raise MalformedCsvError("it has a header and no products")
    return found


def _decoded(data: bytes) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise MalformedCsvError("it is UTF-16: save it as UTF-8")
    if b"\0" in data:
        raise MalformedCsvError("it is not text: it has zero bytes")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise MalformedCsvError(f"line {line} is not UTF-8 (byte {data[error.start]:#04x}): save it as UTF-8") from None


def _records(text: str) -> Iterator[tuple[int, list[str]]]:
    """The records that are not blank, with the number of the line that each begins on."""
    header = text.lstrip("\r\n").split("\n", 1)[0]
    delimiter = max(_DELIMITERS, key=header.count)
    # A quote that is not closed makes one field of the rest. The limit is the process's own: it is never lowered.
    csv.field_size_limit(max(len(text), csv.field_size_limit()))
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    begin = 1
    while True:
        try:
            record = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise MalformedCsvError(f"the quotes from line {begin} on do not fit: {error}") from None
        if any(each.strip() for each in record):
            yield begin, record
        begin = reader.line_num + 1


def _places(header: list[str]) -> dict[str, int]:
    """Where each member stands in a record."""
    names = [name.strip().lower() for name in header]
    known = {alias for aliases in COLUMNS.values() for alias in aliases}
    if twice := sorted({name for name in names if name in known and names.count(name) > 1}):
        raise MalformedCsvError(f"it has the column {', '.join(twice)} twice")
    places = {}
    for member, aliases in COLUMNS.items():
        present = [names.index(alias) for alias in aliases if alias in names]
        if present:
            places[member] = present[0]
    missing = [" or ".join(COLUMNS[member]) for member in NEEDED if member not in places]
    if missing:
        seen = ", ".join(_shown(name) for name in header[:30])
        raise MalformedCsvError(f"it has no column {', and none '.join(missing)}; its first line reads: {seen}")
    return places


def _row(line: int, values: Mapping[str, str], *, is_book: bool) -> tuple[Row, list[Category]]:
    """A product, and the categories on the way to it. Raises _WrongValue."""
    for name, value in values.items():
        if len(value) > MAX_FIELD:
            raise _WrongValue(f"{name} has {len(value):,} characters; at most {MAX_FIELD:,}")
    key = values["id"]
    product_id = f"book-{key}" if is_book else key
    if not re.fullmatch("[0-9A-Za-z-]{1,64}", product_id):
        raise _WrongValue(f"id: {_shown(key)!r} is not 1 to 64 letters, digits or hyphens")
    product: dict[str, Any] = {"id": product_id}
    for name, read in _READ.items():
        if values.get(name):
            try:
                product[name] = read(values[name])
            except ValueError as error:
                raise _WrongValue(f"{name}: {_shown(values[name])!r} is {error}") from None
    editions = product.pop("editions", None)
    if not product.get("title"):
        raise _WrongValue("it has no title")
    product.setdefault("authors", [])
    derived = []
    if values.get("category"):
        categories = _categories(values["category"])
    else:
        genre = made_up.genre(key)
        root = Category(made_up.ROOT, made_up.ROOT_NAME, None)
        categories = [root, Category(genre.id, genre.name, root.id)]
        derived.append("category")
    product["category"] = categories[-1].id
    if "description" not in product:
        product["description"] = made_up.description(product, editions)
        derived.append("description")
    if "price" not in product:
        product["price"] = made_up.price(key, product.get("rating"), product.get("ratingsCount"))
        derived.append("price")
    if "stock" not in product:
        product["stock"] = made_up.stock(key)
        derived.append("stock")
    product["derived"] = derived
    return Row(line, product_id, product), categories


def _categories(text: str) -> list[Category]:
    """`Book / Science fiction` from the root down."""
    found: list[Category] = []
    for part in text.split("/"):
        name = " ".join(part.split())
        category_id = re.sub("[^a-z0-9]+", "-", name.lower()).strip("-")[:64]
        if not category_id:
            raise _WrongValue(f"category: {_shown(text)!r} has a part without letters or digits")
        found.append(Category(category_id, name, found[-1].id if found else None))
    return found


def _line(text: str) -> str:
    return " ".join(text.split())


def _names(text: str) -> list[str]:
    return [name for each in text.split(",") if (name := _line(each))]


def _number(text: str, what: str) -> Decimal:
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise ValueError(what) from None
    if not number.is_finite() or abs(number) >= 2**31:
        raise ValueError(what)
    return number


def _whole(text: str) -> int:
    number = _number(text, "no whole number")
    if number != int(number):
        raise ValueError("no whole number")
    return int(number)


def _count(text: str) -> int:
    number = _whole(text)
    if number < 0:
        raise ValueError("less than none")
    return number


def _cents(text: str) -> int:
    what = "no amount such as 12.50"
    cents = _number(text, what) * 100
    if cents < 0 or cents != int(cents):
        raise ValueError(what)
    return int(cents)


def _rating(text: str) -> float:
    number = _number(text, "no rating from 0 to 5")
    if not 0 <= number <= 5:
        raise ValueError("no rating from 0 to 5")
    return float(number)


def _isbn(text: str) -> str:
    """Without hyphens. Who kept it as a number has lost its zeros: they come back."""
    digits = text.replace("-", "").replace(" ", "").upper()
    if not re.fullmatch("[0-9]{1,12}[0-9X]", digits):
        raise ValueError("no ISBN")
    return digits.zfill(10) if len(digits) < 10 else digits


_READ: Mapping[str, Callable[[str], Any]] = {
    "title": _line, "authors": _names, "description": _line, "price": _cents, "stock": _count, "rating": _rating,
    "ratingsCount": _count, "year": _whole, "language": _line, "isbn": _isbn, "imageUrl": _line, "editions": _count,
}  # fmt: skip


def _shown(value: str) -> str:
    return value if len(value) <= _SHOWN else f"{value[:_SHOWN]}..."
