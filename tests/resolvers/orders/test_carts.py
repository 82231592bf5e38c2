"""The function of carts and orders as AppSync calls it through `lambda.js` and `subscription.js`: carts."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import pytest

from domain import client, clients, topics
from domain.caller import ANONYMOUS
from domain.clients import Clients
from domain.clock import SYSTEM
from domain.events import Event
from domain.table import Put, Table
from tests.deployed import Context, deployed, limits_of_mutations

ANN = {"sub": "sub-ann", "username": "ann", "claims": {"iat": 4_000_000_000}, "groups": None}
TRACE = "1-5759e988-bd862e3fe1be46a994272793"


@pytest.fixture
def function(
    main_table: Table,
    change_log_table: Table,
    new_table: Callable[[str], Table],
    aws_endpoint: str,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[ModuleType]:
    """The handler's module in the environment of its function, with a product."""
    main_table.write([Put({"pk": "PRODUCT#pen", "sk": "PRODUCT", "title": "A pen", "price": 150, "stock": 3})])
    limits = limits_of_mutations(aws_endpoint, '{"USER": {"perSecond": 0.001, "burst": 4}}')
    environment = {
        "MAIN_TABLE": main_table.name,
        "CHANGE_LOG": change_log_table.name,
        "RETENTION_HOURS": "24",
        "CART_HOURS": "72",
        "RATE_LIMITS": new_table("RateLimits").name,
        "MUTATION_LIMITS": limits,
        "_X_AMZN_TRACE_ID": f"Root={TRACE};Sampled=1",
    }
    with deployed("resolvers/orders", aws_endpoint, monkeypatch, environment) as module:
        yield module


def ask(module: ModuleType, coordinate: str, identity: dict[str, Any] | None = ANN, **arguments: Any) -> dict[str, Any]:
    type_name, field_name = coordinate.split(".")
    event = {
        "arguments": arguments,
        "identity": identity,
        "source": None,
        "info": {"fieldName": field_name, "parentTypeName": type_name},
    }
    answer: dict[str, Any] = module.handler(event, Context("orders"))
    json.dumps(answer)  # Lambda answers JSON
    return answer


def quantities(answer: dict[str, Any]) -> dict[str, int]:
    return {line["productId"]: line["quantity"] for line in answer["data"]["lines"]}


def test_a_cart_from_its_first_line_to_its_last(function: ModuleType, main_table: Table) -> None:
    assert ask(function, "Query.cart", clientId=None) == {"data": None}
    given = {"productId": "pen", "quantity": 2, "version": None, "clientId": None, "clientMutationId": "a"}
    added = ask(function, "Mutation.addToCart", input=given)
    assert quantities(added) == {"pen": 2}
    assert added["data"]["total"] == 300
    item = main_table.get(("CART#sub-ann", "CART"), 0)
    assert item
    assert item["traceId"] == TRACE
    assert abs(int(item["expiresAt"]) * 1000 - SYSTEM.now_ms() - 72 * 3_600_000) < 60_000
    assert ask(function, "Mutation.addToCart", input=given) == added
    version = added["data"]["version"]
    changed = ask(function, "Mutation.changeCartLine", input={"productId": "pen", "quantity": 1, "version": version})
    assert quantities(changed) == {"pen": 1}
    removed = ask(function, "Mutation.removeFromCart", input={"productId": "pen", "version": version + 1})
    assert quantities(removed) == {}
    assert ask(function, "Query.cart") == removed
    assert ask(function, "Mutation.removeFromCart", input={"productId": "pen", "version": 1})["error"]["type"] == (
        "TooManyRequests"
    )


def test_errors_tell_what_is_wrong_and_what_is_there(function: ModuleType) -> None:
    added = ask(function, "Mutation.addToCart", input={"productId": "pen"})["data"]
    for given, expected in (
        ({"version": 3}, ("VersionConflict", {"field": "input.version", "version": added["version"]}, added)),
        ({"quantity": 0}, ("InvalidInput", {"field": "input.quantity"}, None)),
        ({"productId": "unknown"}, ("NotFound", {"field": "input.productId"}, None)),
    ):
        error = ask(function, "Mutation.addToCart", input={"productId": "pen", **given})["error"]
        assert (error["type"], error["info"], error["data"]) == expected
    assert ask(function, "Query.cart")["data"] == added


def test_a_guest_s_cart_is_taken_over(function: ModuleType, main_table: Table) -> None:
    here = function.carts_here()
    made = clients.register(Clients(main_table, here.change_log, SYSTEM, 3600), ANONYMOUS)
    given: dict[str, Any] = {"clientId": made.client_id}
    assert quantities(ask(function, "Mutation.addToCart", None, input={"productId": "pen", **given})) == {"pen": 1}
    assert ask(function, "Query.cart", None, **given)["data"]["id"] == f"client:{made.client_id}"
    assert ask(function, "Query.cart", **given)["error"]["type"] == "Unauthorized"
    assert ask(function, "Mutation.mergeCart", None, input=given)["error"]["type"] == "Unauthorized"
    merged = ask(function, "Mutation.mergeCart", input=given)
    assert quantities(merged) == {"pen": 1}
    assert ask(function, "Query.cart", None, **given) == {"data": None}
    assert ask(function, "Subscription.onCart", None, **given) == {
        "data": {
            "topic": f"cart:client:{made.client_id}", "userId": None,
            "right": str(client.cart_right(made.client_id, made.lease)),
        }
    }  # fmt: skip


def test_subscribers_get_their_own_topic(function: ModuleType) -> None:
    assert ask(function, "Subscription.onCart", clientId=None) == {
        "data": {"topic": "cart:sub-ann", "userId": "sub-ann", "right": None}
    }
    assert ask(function, "Subscription.onCart", None, clientId=None)["error"]["type"] == "Unauthorized"
    changes = ask(function, "Query.cartChanges", clientId=None, after=0, limit=None)["data"]
    assert (changes["cartId"], changes["topic"], changes["headSeq"]) == ("sub-ann", "cart:sub-ann", 0)


def test_what_was_too_large_for_a_push_is_answered_as_it_is_now(function: ModuleType, main_table: Table) -> None:
    added = ask(function, "Mutation.addToCart", input={"productId": "pen"})["data"]
    large = json.dumps({**added, "currency": "x" * 300_000})
    event = Event("1", "INSERT", "sub-ann", large, reference=("CART#sub-ann", "CART"))
    function.carts_here().change_log.append(topics.cart("sub-ann"), [event], SYSTEM.monotonic() + 5)
    (change,) = ask(function, "Query.cartChanges", after=0)["data"]["items"]
    assert (change["truncated"], change["cart"]) == (False, added)
