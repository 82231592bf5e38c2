"""The example of `docs/shop.md`, as a reader would adapt it to another category and another book."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from functools import partial

from checks.documents import blocks
from tests.stack.instance import PROJECT, Instance, eventually
from tests.stack.users import seller, sign_up

CATEGORY = "romance"
SEARCHED = "prid and prejudise"
_SEARCH = "query ($text: String!) { searchProducts(text: $text, limit: 1) { items { product { id } } } }"


@dataclass(frozen=True, slots=True)
class Example:
    """A program in the document's words, the token of who runs it, and what it must print, in this order."""

    text: str
    token: str
    lines: tuple[str, ...]

    def check(self, printed: str) -> None:
        """That it printed each line's beginning, in order; between them stand others."""
        left = iter(printed.splitlines())
        for line in self.lines:
            assert any(each.startswith(line) for each in left), f"no {line!r} in its place:\n{printed}"


def shop_example(instance: Instance, language: str) -> Example:
    """The first example in a language, for a category of three books of which the last one is bought."""
    text = next(each.text for each in blocks((PROJECT / "docs/shop.md").read_text()) if each.language == language)
    category = f"t-{uuid.uuid4().hex[:12]}"
    books = {f"book-{uuid.uuid4()}": f"Example {uuid.uuid4().hex[:12]}" for _ in range(3)}
    sue = seller(instance)
    sue.data(
        "mutation ($input: CreateCategoryInput!) { createCategory(input: $input) { id } }",
        input={"id": category, "name": "Test"},
    )
    products = [
        {"id": each, "title": books[each], "category": category, "price": 700 + number, "stock": 3}
        for number, each in enumerate(books)
    ]
    made = "mutation ($input: ImportProductsInput!) { importProducts(input: $input) { created } }"
    assert sue.data(made, input={"products": products}) == {"created": len(books)}
    for book, title in books.items():  # the index may lag
        eventually(partial(_found, instance, book, title), 30)
    assert text.count(CATEGORY) == 2
    assert text.count(SEARCHED) == 1
    return Example(
        text.replace(CATEGORY, category).replace(SEARCHED, title),
        sign_up(instance).access,
        ("3 products", "cart MODIFY", "order INSERT PENDING 702", f"product MODIFY {title} 2"),
    )


def _found(instance: Instance, book: str, title: str) -> bool:
    matches = instance.graphql(_SEARCH, text=title)["data"]["searchProducts"]["items"]
    return [each["product"]["id"] for each in matches] == [book]
