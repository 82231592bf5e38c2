"""The sources of `Query.productPage` as the pipeline runs them: what each asks, and what is left when one fails."""

from __future__ import annotations

import json
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.appsync.javascript import Code, HandlerError, JavaScript, Outcome
from tests.conftest import ROOT

FOLDER = ROOT / "resolvers/appsync"
JAVASCRIPT = JavaScript()
NAMES = ["Query.productPage", *(f"productPage.{name}" for name in ("product", "related", "view", "prices"))]
CODE: dict[str, Code] = {name: JAVASCRIPT.compile((FOLDER / f"{name}.js").read_text(), name) for name in NAMES}
ITEM = {
    "pk": "PRODUCT#p1", "sk": "PRODUCT", "title": "Emma", "authors": ["Jane Austen"], "category": "classics",
    "path": ["book", "classics"], "price": 1250, "stock": 3, "version": 2,
}  # fmt: skip
RATES = {"amount": 1.0, "base": "EUR", "date": "2026-11-20", "rates": {"GBP": 0.8717, "USD": 1.1575}}
OTHERS = [{"id": "p2"}]
TAKEN = {"Entries": [{"EventId": "e1"}], "FailedEntryCount": 0}
PAGE = {
    "related": OTHERS,
    "viewRecorded": True,
    "prices": [{"currency": "GBP", "amount": 1090}, {"currency": "USD", "amount": 1447}],
}
FAILED: Any = {"error": {"type": "Some:Failure", "message": "secret"}}
SELECTED = ["product", "product/id", "related", "related/id", "prices", "prices/amount", "viewRecorded"]


def answered(body: object = RATES, status: int = 200) -> dict[str, Any]:
    text = body if isinstance(body, str) else json.dumps(body)
    return {"result": {"statusCode": status, "headers": {}, "body": text}}


class Run:
    """A run of the pipeline: `requests` that were made of the sources, `errors` that stand beside the data."""

    def __init__(
        self, product_id: str = "p1", selected: list[str] | None = None, text: str = "", **sources: Any
    ) -> None:
        self.requests: dict[str, Any] = {}
        self.errors: list[HandlerError] = []
        self.stash: Any = {}
        given: dict[str, Any] = {
            "product": {"result": ITEM}, "related": {"result": {"data": OTHERS}}, "view": {"result": TAKEN},
            "prices": answered(),
        } | sources  # fmt: skip
        self.context = {
            "arguments": {"id": product_id}, "identity": {"sub": "ann"}, "source": None,
            "info": {
                "fieldName": "productPage", "parentTypeName": "Query", "variables": {},
                "selectionSetList": SELECTED if selected is None else selected, "selectionSetGraphQL": text,
            },
        }  # fmt: skip
        self.run("Query.productPage", "request")
        for name in ("product", "related", "view", "prices"):
            asked = self.run(f"productPage.{name}", "request")
            if asked.early_return:
                if asked.early_return.skip_to == "END":
                    break
                continue
            self.requests[name] = asked.value
            self.run(f"productPage.{name}", "response", **{"result": None, **given[name]})
        self.page = self.run("Query.productPage", "response").value

    def run(self, name: str, handler: Any, **context: Any) -> Outcome:
        outcome = CODE[name].run(handler, {**self.context, "stash": self.stash, **context})
        assert outcome.error is None, outcome.error
        self.stash = self.stash if outcome.stash is None else outcome.stash
        self.errors += outcome.appended_errors
        return outcome

    @property
    def told(self) -> list[tuple[Any, Any]]:
        return [(error.type, error.error_info) for error in self.errors]


def test_a_page_is_what_its_four_sources_say() -> None:
    run = Run()
    assert run.errors == []
    assert run.page["product"] == {
        "id": "p1", "title": "Emma", "authors": ["Jane Austen"], "category": "classics", "path": ["book", "classics"],
        "description": None, "price": 1250, "currency": "EUR", "stock": 3, "rating": None, "ratingsCount": None,
        "year": None, "language": None, "isbn": None, "imageUrl": None, "derived": [], "version": 2,
        "createdAt": "1970-01-01T00:00:00.000Z", "updatedAt": "1970-01-01T00:00:00.000Z",
    }  # fmt: skip
    assert {name: run.page[name] for name in PAGE} == PAGE


def test_each_source_is_asked_what_it_needs_to_know() -> None:
    asked = Run().requests
    assert asked["product"]["operation"] == "GetItem"
    assert asked["product"]["key"] == {"pk": {"S": "PRODUCT#p1"}, "sk": {"S": "PRODUCT"}}
    assert asked["related"]["payload"] == {
        "arguments": {"productId": "p1", "category": "classics", "price": 1250},
        "identity": {"sub": "ann"},
        "source": None,
        "info": {"fieldName": "related", "parentTypeName": "ProductPage"},
    }
    (event,) = asked["view"]["events"]
    assert (event["source"], event["detailType"]) == ("headwater.shop", "ProductViewed")
    assert {name: event["detail"][name] for name in ("productId", "userId")} == {"productId": "p1", "userId": "ann"}
    assert event["detail"].keys() == {"id", "productId", "userId", "viewedAt"}
    assert (asked["prices"]["method"], asked["prices"]["resourcePath"]) == ("GET", "/v1/latest")
    assert asked["prices"]["params"]["query"] == {"base": "EUR", "symbols": "CHF,GBP,PLN,SEK,USD"}


def test_both_readers_of_a_product_show_the_same() -> None:
    alone, page = ((FOLDER / name).read_text() for name in ("Query.product.js", "productPage.product.js"))
    begin = "  const createdAt = time("
    assert alone[alone.index(begin) :].replace("id: ctx.args.id,", "id,") == page[page.index(begin) :]


@pytest.mark.parametrize("item", [None, {**ITEM, "expiresAt": 1}], ids=["nothing", "something that has expired"])
def test_an_unknown_product_has_no_page_and_nobody_else_is_asked(item: Any) -> None:
    run = Run(product={"result": item})
    assert run.page is None
    assert run.errors == []
    assert list(run.requests) == ["product"]


@pytest.mark.parametrize("product_id", ["", "a b", "ä", "x" * 65, "p#1", "p1\n"])
def test_an_id_that_no_product_can_have_asks_nobody(product_id: str) -> None:
    run = Run(product_id)
    assert (run.page, run.requests, run.errors) == (None, {}, [])


@pytest.mark.parametrize(
    ("source", "member", "name"),
    [("related", "related", "FUNCTION"), ("view", "viewRecorded", "EVENTS"), ("prices", "prices", "RATES")],
)
def test_a_source_that_fails_takes_its_member_and_nothing_else(source: str, member: str, name: str) -> None:
    run = Run(**{source: FAILED})
    assert run.told == [("TryAgain", {"member": member, "source": name, "reason": "Some:Failure"})]
    assert "secret" not in run.errors[0].message
    assert run.page["product"]["title"] == "Emma"
    assert {name: run.page[name] for name in PAGE} == PAGE | {member: None}


def test_without_the_product_there_are_no_prices_but_the_rest() -> None:
    run = Run(product=FAILED)
    assert run.told == [("TryAgain", {"member": "product", "source": "TABLE", "reason": "Some:Failure"})]
    assert run.page == {"product": None, "related": OTHERS, "prices": None, "viewRecorded": True}
    assert run.requests["related"]["payload"]["arguments"] == {"productId": "p1"}


def test_all_sources_may_fail() -> None:
    run = Run(product=FAILED, related=FAILED, view=FAILED, prices=FAILED)
    assert run.page == {"product": None, "related": None, "prices": None, "viewRecorded": None}
    assert [error.error_info["member"] for error in run.errors if error.error_info] == [
        "product",
        "related",
        "viewRecorded",
    ]


def test_an_error_that_the_function_answers_is_told_by_its_type() -> None:
    run = Run(related={"result": {"error": {"type": "TryAgain", "message": "busy", "data": None, "info": None}}})
    assert run.told == [("TryAgain", {"member": "related", "source": "FUNCTION", "reason": "TryAgain"})]


def test_an_event_that_is_refused_is_told() -> None:
    refused = {"Entries": [{"ErrorCode": "MalformedDetail", "ErrorMessage": "no"}], "FailedEntryCount": 1}
    run = Run(view={"result": refused})
    assert run.told == [("TryAgain", {"member": "viewRecorded", "source": "EVENTS", "reason": "MalformedDetail"})]
    assert run.page["viewRecorded"] is None


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (answered("down", 500), "HTTP 500"),
        (answered(RATES, 302), "HTTP 302"),
        (answered('{"base": "EUR", '), "no rates of EUR"),
        (answered(""), "no rates of EUR"),
        (answered("<html>"), "no rates of EUR"),
        (answered("null"), "no rates of EUR"),
        (answered("[]"), "no rates of EUR"),
        (answered("5"), "no rates of EUR"),
        (answered({"base": "USD", "rates": {"EUR": 0.9}}), "no rates of EUR"),
        (answered({"base": "EUR"}), "no rates of EUR"),
        (answered({"base": "EUR", "rates": [1.1]}), "no rates of EUR"),
        (answered({"base": "EUR", "rates": "1.1"}), "no rates of EUR"),
        (answered({"base": "EUR", "rates": {}}), "rates that are none"),
        (answered({"base": "EUR", "rates": {"USD": "1.1"}}), "rates that are none"),
        (answered({"base": "EUR", "rates": {"USD": None}}), "rates that are none"),
        (answered({"base": "EUR", "rates": {"USD": 0}}), "rates that are none"),
        (answered({"base": "EUR", "rates": {"USD": -1.1}}), "rates that are none"),
        (answered({"base": "EUR", "rates": {"USD": 1e30}}), "rates that are none"),
        (answered({"base": "EUR", "rates": {"USD": 1e-12}}), "rates that are none"),
        (answered({"base": "EUR", "rates": {"dollars": 1.1}}), "rates that are none"),
        (answered({"base": "EUR", "rates": {"USD": 1.1, "GBP": {}}}), "rates that are none"),
        (
            answered({"base": "EUR", "rates": {f"A{a}{b}": 1 for a in "ABCDEFGHIJKLMNOP" for b in "ABCDEFGHIJKLMNOP"}}),
            "rates that are none",
        ),
    ],
)
def test_rates_that_are_none_leave_the_rest(answer: dict[str, Any], reason: str) -> None:
    run = Run(prices=answer)
    assert run.told == [("TryAgain", {"member": "prices", "source": "RATES", "reason": reason})]
    assert {name: run.page[name] for name in PAGE} == PAGE | {"prices": None}


def test_a_product_without_a_price_has_none_in_other_currencies() -> None:
    run = Run(product={"result": {"title": "Emma"}})
    assert run.page["prices"] == []
    assert (run.errors, "prices" in run.requests) == ([], False)


def price(cents: int, rate: float) -> int | None:
    run = Run(product={"result": {"price": cents}}, prices=answered({"base": "EUR", "rates": {"USD": rate}}))
    assert run.errors == []
    return run.page["prices"][0]["amount"] if run.page["prices"] else None


@pytest.mark.parametrize(
    ("cents", "rate", "amount"),
    [
        (1000, 1.0005, 1001),  # 1000.5: a half goes up; the floating product is 1000.4999999999999
        (1, 0.5, 1),
        (1, 0.499999999, 0),
        (0, 1.5, 0),
        (10_000_000, 160.25, 1_602_500_000),
        (10_000_000, 17123.45, None),  # more than GraphQL's Int: left out
        (100, 1.0799999999999998, 108),
    ],
)
def test_amounts_are_rounded_half_up(cents: int, rate: float, amount: int | None) -> None:
    assert price(cents, rate) == amount


@given(cents=st.integers(0, 10_000_000), rate=st.decimals("0.000001", "200", places=6))
def test_amounts_are_exact(cents: int, rate: Decimal) -> None:
    assert price(cents, float(rate)) == int((cents * rate).quantize(Decimal(1), ROUND_HALF_UP))


@pytest.mark.parametrize(
    ("selected", "text", "spared"),
    [
        (["product", "product/id"], "{ product { id } }", {"related", "prices"}),
        (["related", "related/id"], "{ related { id } }", {"prices"}),
        (["__typename", "prices"], "{ __typename prices { amount } }", {"related"}),
        (["product", "p"], "{ product { id } p: prices { amount } }", set()),
        (["product", "related"], "{ product: prices { amount } related { id } }", set()),
    ],
)
def test_a_source_is_spared_that_is_surely_not_asked_for(selected: list[str], text: str, spared: set[str]) -> None:
    run = Run(selected=selected, text=text)
    assert {"related", "prices"} - run.requests.keys() == spared
    assert run.page["viewRecorded"] is True
    assert run.errors == []
