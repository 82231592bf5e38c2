"""The routes over real tables: what they answer, what the document says of it, and what they refuse."""

from __future__ import annotations

import json
import sys
import threading
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

import pytest

from domain.caller import Caller
from domain.changes import ChangeLog
from domain.clock import SYSTEM
from domain.errors import Unauthorized
from domain.shop import category, search_index
from domain.shop.carts import Carts
from domain.shop.listing import Lists
from domain.shop.search import Search
from domain.table import Put, Table, TableError
from rest.face import Face, Route
from rest.routes import CALLERS, SHOP, Shop
from tests.backend.domain.shop import shelves
from tests.backend.rest import described
from tests.conftest import table_definition
from tests.http_event import event

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

NOW = 1_795_262_400_000
PRODUCTS = shelves.generated(25)
KEY = {"lambda": {"keyId": "01J", "name": "importer", "scopes": "READ"}}
ANN = {"jwt": {"claims": {"sub": "sub-ann", "username": "ann", "iat": "1", "cognito:groups": "[sellers a]"}}}


def everybody(caller: Caller) -> None:
    """Let all pass."""


Ask = Callable[..., tuple[int, Any, dict[str, str]]]


@pytest.fixture(scope="module")
def shop(dynamodb_client: DynamoDBClient) -> Shop:
    """A shop that no test changes but for the cart of its own user."""
    names = {logical: f"{logical}-{uuid.uuid4()}" for logical in ("MainTable", "Search", "ChangeLog")}
    for logical, name in names.items():
        dynamodb_client.create_table(TableName=name, **table_definition(logical))
    main_table, search_table, log_table = (Table(name, dynamodb_client) for name in names.values())
    shelves.fill(main_table, search_table, PRODUCTS)
    for each in PRODUCTS[:5]:
        for item in search_index.items_of(each["id"], shelves.item(each)):
            search_table.write([Put(item)])
    for path in shelves.TREE:
        main_table.write([Put(category.to_item(path[-1], path[-1].title(), path, NOW, None))])
    log = ChangeLog(log_table, 3600, SYSTEM)
    return Shop(
        Lists(main_table, search_table), Search(main_table, search_table, map, SYSTEM),
        Carts(main_table, log, SYSTEM, 3600), map, SYSTEM,
    )  # fmt: skip


def asking(face: Face) -> Ask:
    """Asks a route: status, JSON (None without a body), headers. Each answer is as the document says."""

    def ask(path: str, authorizer: Any = KEY, method: str = "GET", **headers: str) -> tuple[int, Any, dict[str, str]]:
        path, _, query = path.partition("?")
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        given = event(path, method, rawQueryString=query, headers=named)
        given["requestContext"]["authorizer"] = authorizer
        answer = face.answer(given)
        body = json.loads(answer["body"]) if answer["body"] else None
        if body is not None and path.partition("/")[2] != "nothing":
            described.require(path, answer["statusCode"], body)
        return answer["statusCode"], body, answer["headers"]

    return ask


@pytest.fixture
def ask(shop: Shop) -> Ask:
    return asking(Face(everybody, (SHOP, lambda: shop), (CALLERS, lambda: None)))


def by(**members: Any) -> list[str]:
    """Ids of products that have these members."""
    return sorted(each["id"] for each in PRODUCTS if all(each[name] == value for name, value in members.items()))


def ids(answer: tuple[int, Any, Any]) -> list[str]:
    assert answer[0] == 200, answer
    return sorted(each["id"] for each in answer[1]["items"])


def test_products_are_listed_by_parameters_as_by_a_filter(ask: Ask) -> None:
    assert ids(ask("/products?limit=100")) == by()
    assert ids(ask("/products?limit=100&category=games")) == by(path=["games"])
    assert ids(ask("/products?limit=100&language=fr")) == by(language="fr")
    assert ids(ask("/products?limit=100&inStock=false")) == by(stock=0)
    cheap = sorted(each["id"] for each in PRODUCTS if each["price"] is not None and 499 <= each["price"] <= 999)
    assert ids(ask("/products?limit=100&minPrice=499&maxPrice=999")) == cheap
    filtered = quote(json.dumps({"price": {"between": [499, 999]}}))
    assert ids(ask(f"/products?limit=100&filter={filtered}")) == cheap
    both = [each for each in cheap if each in by(language="en")]
    assert ids(ask(f"/products?limit=100&filter={filtered}&language=en")) == both
    old = sorted(each["id"] for each in PRODUCTS if each["year"] is not None and each["year"] <= 1980)
    assert ids(ask("/products?limit=100&yearTo=1980")) == old
    good = sorted(each["id"] for each in PRODUCTS if each["rating"] is not None and each["rating"] >= 3.5)
    assert ids(ask("/products?limit=100&minRating=3.5")) == good
    author = sorted(each["id"] for each in PRODUCTS if "Ann Lee" in each["authors"])
    assert ids(ask("/products?limit=100&author=Ann+Lee")) == author


def test_pages_follow_each_other_in_the_order_that_was_asked_for(ask: Ask) -> None:
    seen, token = [], ""
    while True:
        status, page, _ = ask(f"/products?sort=PRICE_DESC&limit=10{token}")
        assert status == 200
        seen += [each["price"] for each in page["items"]]
        if page["nextToken"] is None:
            break
        token = f"&nextToken={quote(page['nextToken'], safe='')}"
    priced = [each for each in seen if each is not None]
    assert (len(seen), priced) == (25, sorted(priced, reverse=True))


def test_a_text_is_searched_with_its_scores(ask: Ask) -> None:
    wanted = next(each for each in PRODUCTS[:5] if len(each["title"]) > 3)
    status, found, _ = ask(f"/products?{urlencode({'search': wanted['title']})}")
    assert status == 200
    assert wanted["id"] in [each["id"] for each in found["items"]]
    assert found["scores"] == sorted(found["scores"], reverse=True)
    assert len(found["scores"]) == len(found["items"])
    for other in ("sort=NEWEST", "category=games", "nextToken=x"):
        status, refused, _ = ask(f"/products?search=x&{other}")
        assert (status, refused["info"]["field"]) == (400, other.partition("=")[0])


def test_a_product_is_shown_or_is_not_there(ask: Ask) -> None:
    status, found, headers = ask(f"/products/{PRODUCTS[0]['id']}")
    assert (status, found["id"], found["currency"]) == (200, PRODUCTS[0]["id"], "EUR")
    for unknown in ("unknown", "a" * 100, "PRODUCT#x", "%", "ü", "a b"):
        assert ask(f"/products/{unknown}")[:2][0] == 404, unknown
    assert headers["cache-control"] == "private, no-cache"


def test_who_has_an_answer_already_is_not_sent_it_again(ask: Ask) -> None:
    _, _, headers = ask("/products?limit=3")
    tag = headers["etag"]
    for known in (tag, f"W/{tag}", f'"x", {tag}', "*"):
        status, body, again = ask("/products?limit=3", if_none_match=known)
        assert (status, body, again["etag"]) == (304, None, tag)
    assert ask("/products?limit=3", if_none_match='"x"')[0] == 200
    assert ask("/products?limit=4", if_none_match=tag)[0] == 200
    status, body, head = ask("/products?limit=3", method="HEAD")
    assert (status, body, head["etag"]) == (200, None, tag)


def test_the_tree_of_categories_is_whole_or_cut_where_it_was_asked_to_be(ask: Ask) -> None:
    def shape(nodes: list[Any] | None) -> Any:
        return None if nodes is None else {each["id"]: shape(each["children"]) for each in nodes}

    assert shape(ask("/categories")[1]["items"]) == {"books": {"crime": {}, "fantasy": {"dragons": {}}}, "games": {}}
    assert shape(ask("/categories?depth=2")[1]["items"]) == {"books": {"crime": None, "fantasy": None}, "games": {}}
    assert shape(ask("/categories?parent=fantasy")[1]["items"]) == {"dragons": {}}
    _, first, _ = ask("/categories?limit=1&depth=1")
    _, second, _ = ask(f"/categories?limit=1&depth=1&nextToken={quote(first['nextToken'], safe='')}")
    assert (shape(first["items"]), shape(second["items"])) == ({"books": None}, {"games": None})


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"), ("limit=x", "limit"), ("limit=1e3", "limit"), ("limit=", "limit"), ("limit=٣", "limit"),
        ("limit=" + "9" * 5000, "limit"), ("limit=1&limit=2", "limit"), ("minPrice=1.5", "minPrice"),
        ("maxRating=NaN", "maxRating"), ("maxRating=Infinity", "maxRating"), ("inStock=1", "inStock"),
        ("sort=PRICE", "sort"), ("sort=price_asc", "sort"), ("nextToken=x", None), ("category=A", "category"),
        ("category=", "category"), ("minprice=1", "query"), ("a=b", "query"), ("%00=1", "query"), ("=", "query"),
        ("limit=%FF", "query"), ("a" * 20_000, "query"), ("&".join(f"p{n}=1" for n in range(100)), "query"),
        ("filter=x", "filter"), ("filter=[]", "filter"), ("filter=1", "filter"), ("filter=" + "[" * 8000, "filter"),
        ("filter=" + quote('{"price": {"eq": NaN}}'), "filter"), ("filter=" + quote('{"price": 1}'), "filter.price"),
        ("filter=" + quote('{"nothing": {"eq": 1}}'), None), ("search=", "search"),
        ("filter=" + quote('{"\\ud800": 1}'), "filter"), ("filter=" + quote('{"price": {"\\udfff": 1}}'), "filter"),
        ("filter=" + quote('{"price": {"ge": 1}, "price": {"le": 5}}'), "filter"),
        ("filter=" + quote('{"price": {"ge": 1, "ge": 5}}'), "filter"), ("search=+", "search"),
        ("search=" + "a" * 257, "search"),
        ("filter=" + quote('{"price": {"ge": 1.5}}'), "filter.price.ge"), ("author=" + "a" * 300, "author"),
    ],
)  # fmt: skip
def test_a_bad_parameter_is_named(ask: Ask, query: str, field: str | None) -> None:
    status, refused, headers = ask(f"/products?{query}")
    assert status == 400, refused
    assert refused["type"] in ("InvalidInput", "InvalidPageToken")
    assert headers["cache-control"] == "no-store"
    if field:
        assert refused["info"]["field"] == field


def test_hostile_texts_find_nothing_and_break_nothing(ask: Ask) -> None:
    for text in ("' OR 1=1 --", "{}", "${jndi:ldap://x}", "\u2028", "\U0001f4da", "../../etc", "<script>", "a\x00b"):
        status, found, _ = ask(f"/products?{urlencode({'author': text, 'limit': 5})}")
        assert (status, found["items"]) == (200, []), text
        assert ask(f"/products?{urlencode({'search': text})}")[0] in (200, 400), text


def test_a_cart_is_the_users_own(ask: Ask, shop: Shop) -> None:
    assert ask("/cart", ANN)[0] == 404
    lines = {"p-1": {"title": "A book", "price": 999, "quantity": 2, "addedAt": "2026-11-21T12:00:00.000Z"}}
    item = {"pk": "CART#sub-ann", "sk": "CART", "lines": lines, "version": 3, "updatedAt": "2026-11-21T12:00:00.000Z",
            "expiresAt": NOW // 1000 + 10**9}  # fmt: skip
    shop.lists.table.write([Put(item)])
    status, found, headers = ask("/cart", ANN)
    assert (status, found["total"], found["version"]) == (200, 1998, 3)
    assert headers["cache-control"] == "no-store"
    bob = {"jwt": {"claims": {"sub": "sub-bob", "username": "bob", "iat": "1"}}}
    assert ask("/cart", bob)[0] == 404
    assert ask("/cart", KEY)[0] == 403


def test_who_calls_is_told_by_what_they_showed(ask: Ask) -> None:
    assert ask("/user", ANN)[:2] == (200, {"id": "sub-ann", "name": "ann", "groups": ["a", "sellers"]})
    assert ask("/whoami?auth_key=hwk_x&more=1")[:2] == (200, {"keyId": "01J", "name": "importer", "scopes": ["READ"]})


def test_a_key_for_writing_only_reads_nothing(ask: Ask) -> None:
    writer = {"lambda": {**KEY["lambda"], "scopes": "WRITE"}}
    for path in ("/products", "/products/x", "/categories", "/products?search=x"):
        status, refused, _ = ask(path, writer)
        assert (status, refused["type"]) == (403, "Unauthorized"), path


def test_a_token_that_ended_is_refused_before_all_else(shop: Shop) -> None:
    def admit(caller: Caller) -> None:
        raise Unauthorized("Query.me")

    ask = asking(Face(admit, (SHOP, lambda: shop)))
    assert ask("/cart", ANN)[:2] == (401, {"type": "Unauthorized", "message": "Unauthorized"})
    assert ask("/products?limit=1")[0] == 200


def test_who_asks_at_once_gets_what_they_asked() -> None:
    """Powertools keeps the request in attributes of classes."""
    at_once = threading.Barrier(8, timeout=10)

    def own(stands_on: Any, caller: Caller, *, userId: str) -> dict[str, str]:  # noqa: N803
        at_once.wait()
        return {"caller": caller.id, "path": userId}

    face = Face(everybody, ([Route("/user/<userId>", own, "", "Users")], lambda: None))

    def ask(number: int) -> bool:
        given = event(f"/user/{number}")
        given["requestContext"]["authorizer"] = {"jwt": {"claims": {"sub": f"sub-{number}", "iat": "1"}}}
        answer: Any = json.loads(face.answer(given)["body"])
        return bool(answer == {"caller": f"sub-{number}", "path": str(number)})

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)  # threads take turns in the middle of everything
    try:
        with ThreadPoolExecutor(8) as threads:
            assert all(threads.map(ask, range(320)))
    finally:
        sys.setswitchinterval(before)


def test_what_goes_wrong_is_told_without_its_text() -> None:
    def broken(stands_on: Any, caller: Caller) -> None:
        raise RuntimeError("a secret of the backend")

    def busy(stands_on: Any, caller: Caller) -> None:
        raise TableError("throttled")

    routes = [Route("/cart", broken, "", "Keys"), Route("/user", busy, "", "Keys")]
    face = Face(everybody, (routes, lambda: None))
    given = event("/cart")
    given["requestContext"]["authorizer"] = KEY
    failed = face.answer(given)
    assert failed["statusCode"] == 500
    assert "secret" not in failed["body"]
    given["rawPath"] = given["requestContext"]["http"]["path"] = "/user"
    waiting = face.answer(given)
    assert (waiting["statusCode"], waiting["headers"]["retry-after"]) == (503, "1")
    given["rawPath"] = given["requestContext"]["http"]["path"] = "/nothing"
    assert json.loads(face.answer(given)["body"])["type"] == "NotFound"
