"""What the API shows of products and categories by any hand, in Python and in JavaScript; and what it tells of them."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain import publish_inputs, routing
from domain.attributes import WrongType
from domain.shop import category, product
from domain.table import Item, to_attributes
from local.appsync.javascript import JavaScript
from tests.conftest import ROOT

WHOLE: Item = {
    "title": "Dune", "authors": ["Frank Herbert"], "category": "scifi", "path": ["book", "scifi"],
    "price": Decimal(1299), "description": "Sand.", "stock": Decimal(3), "rating": Decimal("4.25"),
    "ratingsCount": Decimal(9), "year": Decimal(1965), "language": "eng", "isbn": "044100590X", "imageUrl": "https://example.com/a.jpg",
    "derived": ["price"], "version": Decimal(2), "createdAt": "2026-11-21T12:00:00.000Z",
    "updatedAt": "2026-11-21T12:00:01.000Z", "traceId": "1-abc",
}  # fmt: skip


def test_an_item_with_nothing_but_keys_is_a_product_that_nobody_can_buy() -> None:
    shown = product.to_publish("PRODUCT#p", "PRODUCT", {})
    assert shown == {
        "id": "p", "title": "", "authors": [], "category": None, "path": [], "description": None, "price": None,
        "currency": "EUR", "stock": 0, "rating": None, "ratingsCount": None, "year": None, "language": None,
        "isbn": None, "imageUrl": None, "derived": [], "version": 1, "createdAt": "1970-01-01T00:00:00.000Z",
        "updatedAt": "1970-01-01T00:00:00.000Z",
    }  # fmt: skip
    publish_inputs.checker("publishProducts", "items", "product")(shown, "product")


def test_a_whole_item_is_told_whole() -> None:
    shown = product.to_publish("PRODUCT#p", "PRODUCT", WHOLE)
    expected = {name: value for name, value in WHOLE.items() if name != "traceId"} | {"id": "p", "currency": "EUR"}
    assert shown == expected
    assert json.loads(json.dumps(shown))["rating"] == 4.25


WRONG = [
    ("title", ["a"]), ("title", True), ("authors", "Ann"), ("authors", [["a"]]), ("category", ["a"]), ("path", "book"),
    ("path", ["Book"]), ("path", ["a", "a"]), ("path", [str(each) for each in range(9)]), ("path", [Decimal(1)]),
    ("price", Decimal(-1)), ("price", Decimal("1.5")), ("price", "12"), ("price", Decimal(2**31)),
    ("stock", Decimal(-1)), ("rating", Decimal("5.1")), ("rating", Decimal(-1)), ("rating", "4"), ("rating", True),
    ("year", "1965"), ("imageUrl", "javascript:alert(1)"), ("imageUrl", Decimal(1)), ("derived", {"a": "b"}),
    ("version", Decimal(-1)), ("createdAt", "yesterday"), ("updatedAt", Decimal(1)),
]  # fmt: skip


@pytest.mark.parametrize(("name", "value"), WRONG)
def test_what_is_wrong_has_a_stand_in_for_readers_and_is_told_to_nobody(name: str, value: object) -> None:
    plain = product.from_item("PRODUCT#p", {})
    missing = {each: plain[each] for each in ("title", "price", "stock", "path", "version")}
    shown: dict[str, Any] = {**product.from_item("PRODUCT#p", {name: value})}
    if name in missing:
        assert shown[name] == missing[name]
    with pytest.raises(WrongType, match=f"^{name} must be "):
        product.to_publish("PRODUCT#p", "PRODUCT", WHOLE | {name: value})


_VALUES: st.SearchStrategy[Any] = st.one_of(
    st.none(), st.text(max_size=5), st.booleans(), st.integers(-(2**33), 2**33),
    st.decimals(-9, 9, places=2).map(lambda value: value.normalize()), st.lists(st.text(max_size=3), max_size=3),
    st.lists(st.sampled_from(["book", "scifi", "a-1", "A", ""]), max_size=9), st.just({"a": "b"}),
    st.sampled_from(["2026-11-21T12:00:00.000Z", "https://a.b/c", "javascript:a", "https://a b"]),
)  # fmt: skip
_ITEMS = st.dictionaries(st.sampled_from([*WHOLE, "name", "parent"]), _VALUES)
_CODE = {
    name: JavaScript().compile((ROOT / f"resolvers/appsync/Query.{name}.js").read_text(), name)
    for name in ("product", "category")
}


def _plain(value: Any) -> Any:
    """An attribute as AppSync hands it to JavaScript."""
    if isinstance(value, Decimal | int) and not isinstance(value, bool):
        return int(value) if value == int(value) else float(value)
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return value


def answered(name: str, item: Item | None, item_id: str = "p-1") -> Any:
    result = None if item is None else {key: _plain(value) for key, value in item.items() if value is not None}
    outcome = _CODE[name].run("response", {"arguments": {"id": item_id}, "result": result})
    assert outcome.error is None, outcome.error
    return outcome.value


@given(item=_ITEMS)
@settings(max_examples=60, deadline=None)
def test_javascript_shows_of_an_item_what_python_shows(item: Item) -> None:
    item = {name: Decimal(value) if type(value) is int else value for name, value in item.items()}
    assert answered("product", item) == product.from_item("PRODUCT#p-1", item)
    assert answered("category", item) == category.from_item("CATEGORY#p-1", item)


def test_javascript_has_the_same_stand_ins_for_what_is_wrong() -> None:
    for name, value in WRONG:
        assert answered("product", {name: value}) == product.from_item("PRODUCT#p-1", {name: value}), name
    assert answered("product", WHOLE) == product.from_item("PRODUCT#p-1", WHOLE)


@pytest.mark.parametrize("name", ["product", "category"])
def test_javascript_asks_for_what_there_can_be_by_its_key(name: str) -> None:
    request = _CODE[name].run("request", {"arguments": {"id": "a-1"}}).value
    (pk, sk) = product.key("a-1") if name == "product" else category.key("a-1")
    assert request == {"operation": "GetItem", "key": to_attributes({"pk": pk, "sk": sk}), "consistentRead": True}
    for nothing in ("", "a b", "x" * 65, "a#b", "a\n", "ä"):
        outcome = _CODE[name].run("request", {"arguments": {"id": nothing}})
        assert outcome.early_return, nothing
        assert outcome.value is None
    assert answered(name, None) is None
    assert answered(name, {"expiresAt": Decimal(1)}) is None


# --- who is told ---


def record(kind: str, old: Item | None, new: Item | None, pk: str = "PRODUCT#p", sk: str = "PRODUCT") -> routing.Record:
    keys, images = {"pk": pk, "sk": sk}, {"OldImage": old, "NewImage": new}
    data: dict[str, Any] = {"Keys": to_attributes(keys), "SequenceNumber": "1"}
    data |= {name: to_attributes(keys | item) for name, item in images.items() if item is not None}
    return routing.from_stream({"eventID": "e1", "eventName": kind, "dynamodb": data})


def told(*arguments: Any, **more: Any) -> dict[str, str]:
    return {str(change.topic): change.event.kind for change in routing.route(record(*arguments, **more))}


AT_SCIFI = WHOLE
AT_FANTASY = WHOLE | {"category": "fantasy", "path": ["book", "fantasy"]}
AT_FILM = WHOLE | {"category": "film", "path": ["film"]}


def test_a_product_is_told_of_to_its_topic_and_in_each_category_of_its_path() -> None:
    everywhere = ("product:p", "category:book", "category:scifi")
    assert told("INSERT", None, AT_SCIFI) == dict.fromkeys(everywhere, "INSERT")
    assert told("MODIFY", AT_SCIFI, AT_SCIFI | {"stock": Decimal(2)}) == dict.fromkeys(everywhere, "MODIFY")
    assert told("REMOVE", AT_SCIFI, None) == dict.fromkeys(everywhere, "REMOVE")
    assert told("MODIFY", AT_SCIFI, AT_SCIFI | {"traceId": "1-other"}) == {}


def test_one_that_moves_leaves_some_comes_into_others_and_changes_in_those_above_both() -> None:
    assert told("MODIFY", AT_SCIFI, AT_FANTASY) == {
        "product:p": "MODIFY", "category:book": "MODIFY", "category:scifi": "REMOVE", "category:fantasy": "INSERT",
    }  # fmt: skip
    assert told("MODIFY", AT_FANTASY, AT_FILM) == {
        "product:p": "MODIFY", "category:book": "REMOVE", "category:fantasy": "REMOVE", "category:film": "INSERT",
    }  # fmt: skip


def test_each_change_has_the_product_but_for_those_who_lose_it() -> None:
    changes = routing.route(record("MODIFY", AT_SCIFI, AT_FILM))
    assert {str(each.topic): each.event.item is None for each in changes} == {
        "product:p": False, "category:film": False, "category:book": True, "category:scifi": True,
    }  # fmt: skip
    assert {each.event.key for each in changes} == {"p"}
    assert all(each.state_like for each in changes)
    assert {each.topic.kind.item_field for each in changes} == {"product"}


@pytest.mark.parametrize("pk", ["PRODUCT#", "PRODUCT#a b", "PRODUCT#" + "x" * 65, "PRODUCT#a#b"])
def test_what_the_api_cannot_name_is_told_to_nobody(pk: str) -> None:
    assert told("INSERT", None, AT_SCIFI, pk=pk) == {}
    assert told("INSERT", None, AT_SCIFI, sk="NOTE") == {}


def test_a_product_in_no_category_is_told_of_to_its_own_topic() -> None:
    assert told("INSERT", None, {"title": "Raw"}) == {"product:p": "INSERT"}
    assert told("MODIFY", WHOLE | {"path": "book"}, AT_FILM) == {"product:p": "MODIFY", "category:film": "INSERT"}
