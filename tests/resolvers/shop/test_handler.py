"""The fields of sellers as AppSync calls the function through `lambda.js` and `subscription.js`."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import pytest
from samcli.yamlhelper import yaml_parse

from domain import profile, sessions
from domain.table import Put, Table
from tests.conftest import ROOT
from tests.deployed import Context, deployed, limits_of_mutations

NOW = int(time.time())
SUE = {"sub": "sub-sue", "username": "sue", "claims": {"iat": NOW - 60, "cognito:groups": ["sellers"]}, "groups": None}
BOOK = {"title": "Dune", "category": "book", "price": 1299}


@pytest.fixture
def function(
    main_table: Table,
    change_log_table: Table,
    search_table: Table,
    new_table: Callable[[str], Table],
    aws_endpoint: str,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[ModuleType]:
    """The handler's module in the environment of its function."""
    limits = limits_of_mutations(aws_endpoint, '{"USER": {"perSecond": 0.001, "burst": 6}}')
    environment = {
        "MAIN_TABLE": main_table.name,
        "CHANGE_LOG": change_log_table.name,
        "SEARCH_TABLE": search_table.name,
        "RETENTION_HOURS": "24",
        "RATE_LIMITS": new_table("RateLimits").name,
        "MUTATION_LIMITS": limits,
        "POWERTOOLS_SERVICE_NAME": f"shop-{uuid.uuid4()}",
        "_X_AMZN_TRACE_ID": "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1",
    }
    with deployed("resolvers/shop", aws_endpoint, monkeypatch, environment) as module:
        yield module
        module.writers().shutdown()


def call(function: ModuleType, coordinate: str, identity: Any = SUE, **arguments: Any) -> dict[str, Any]:
    """What the function answers, as JSON has it."""
    parent, _, name = coordinate.partition(".")
    info = {"parentTypeName": parent, "fieldName": name}
    event = {"arguments": arguments, "identity": identity, "source": None, "info": info}
    answer: dict[str, Any] = json.loads(json.dumps(function.handler(event, Context("shop"))))
    return answer


def data(answer: dict[str, Any]) -> dict[str, Any]:
    assert "error" not in answer, answer
    found: dict[str, Any] = answer["data"]
    return found


def test_every_field_of_the_stack_that_goes_to_the_function_is_answered_by_it(function: ModuleType) -> None:
    resources = yaml_parse((ROOT / "stacks/shop.yaml").read_text())["Resources"].values()
    resolvers = [each["Properties"] for each in resources if each["Type"] == "AWS::AppSync::Resolver"]
    to_function = {"Fn::GetAtt": ["ShopDataSource", "Name"]}
    routed = {f"{each['TypeName']}.{each['FieldName']}" for each in resolvers if each["DataSourceName"] == to_function}
    assert routed == set(function.FIELDS)


def test_a_seller_makes_and_changes_a_product(function: ModuleType, main_table: Table) -> None:
    data(call(function, "Mutation.createCategory", input={"id": "book", "name": "Book"}))
    made = data(call(function, "Mutation.createProduct", input=BOOK | {"id": "dune", "year": 1965, "isbn": None}))
    assert (made["id"], made["path"], made["year"], made["currency"]) == ("dune", ["book"], 1965, "EUR")
    item = main_table.get(("PRODUCT#dune", "PRODUCT"), 0)
    assert item
    assert item["traceId"] == "1-5759e988-bd862e3fe1be46a994272793"
    edit = {"id": "dune", "version": 1, "year": None, "clientMutationId": "c"}
    assert data(call(function, "Mutation.updateProduct", input=edit)) == made | {
        "year": None, "version": 2, "updatedAt": main_table.get(("PRODUCT#dune", "PRODUCT"), 0)["updatedAt"],  # type: ignore[index]
    }  # fmt: skip
    stale = call(function, "Mutation.setPrice", input={"id": "dune", "version": 1, "price": 5})["error"]
    assert (stale["type"], stale["data"]["version"]) == ("VersionConflict", 2)
    answer = data(
        call(function, "Mutation.importProducts", input={"products": [BOOK | {"id": f"{n}"} for n in range(9)]})
    )
    assert (answer["created"], answer["rejected"]) == (9, [])
    assert data(call(function, "Mutation.changeStock", input={"id": "dune", "by": 3}))["stock"] == 3
    spent = call(function, "Mutation.deleteProduct", input={"id": "dune", "version": 2})["error"]
    assert spent["type"] == "TooManyRequests", "the seventh: the import was one"
    assert call(function, "Query.productChanges", None, id="dune", after=0)["data"]["items"] == []


def test_a_seller_whose_session_has_ended_sells_no_more(function: ModuleType, main_table: Table) -> None:
    pk, sk = profile.key("sub-sue")
    main_table.write([Put({"pk": pk, "sk": sk, **sessions.ending("sub-sue", NOW * 1000).attributes})])
    answer = call(function, "Mutation.createCategory", input={"id": "book", "name": "Book"})
    assert answer["error"]["type"] == "Unauthorized"
    assert main_table.get(("CATEGORY#book", "CATEGORY"), 0) is None
    # What all may see asks no session.
    assert data(call(function, "Subscription.onProduct", id="dune")) == {"topic": "product:dune"}


def test_a_topic_that_there_cannot_be_is_refused(function: ModuleType) -> None:
    for field, argument in (("Subscription.onProduct", "id"), ("Subscription.onCategory", "category")):
        for name in ("", "a b", "x" * 65, "*", "a#b", "a\n"):
            error = call(function, field, None, **{argument: name})["error"]
            assert (error["type"], error["info"]) == ("InvalidInput", {"field": argument})
