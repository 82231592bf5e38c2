"""The users function as AppSync calls it through `lambda.js`, `ending.js` and `subscription.js`."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import pytest
from samcli.yamlhelper import yaml_parse

from domain import topics
from domain.table import Table
from tests.backend.domain.pools import SignedUp, TestPool
from tests.conftest import ROOT
from tests.deployed import Context, deployed, limits_of_mutations


@pytest.fixture(scope="module")
def pool(aws_endpoint: str) -> TestPool:
    return TestPool(aws_endpoint)


@pytest.fixture
def function(
    pool: TestPool,
    new_table: Callable[[str], Table],
    aws_endpoint: str,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[ModuleType]:
    """The handler's module in the environment of its function."""
    limits = limits_of_mutations(aws_endpoint, '{"USER": {"perSecond": 1, "burst": 100}}')
    environment = {
        "MAIN_TABLE": new_table("MainTable").name,
        "CHANGE_LOG": new_table("ChangeLog").name,
        "RATE_LIMITS": new_table("RateLimits").name,
        "MUTATION_LIMITS": limits,
        "USER_POOL_ID": pool.id,
        "RETENTION_HOURS": "24",
    }
    with deployed("resolvers/users", aws_endpoint, monkeypatch, environment) as module:
        yield module


@pytest.fixture
def ann(pool: TestPool) -> SignedUp:
    return pool.sign_up(f"ann-{uuid.uuid4()}")


def identity(someone: SignedUp, *groups: str, issued_at: int = 4_000_000_000) -> dict[str, Any]:
    """`ctx.identity` of a user."""
    claims = {"sub": someone.id, "iat": issued_at, "token_use": "access", "cognito:groups": list(groups)}
    return {
        "sub": someone.id, "issuer": "https://cognito-idp.us-east-1.amazonaws.com/x", "username": someone.name,
        "claims": claims, "sourceIp": ["127.0.0.1"], "defaultAuthStrategy": "ALLOW", "groups": list(groups) or None,
    }  # fmt: skip


def ask(module: ModuleType, coordinate: str, caller: dict[str, Any] | None, **arguments: Any) -> dict[str, Any]:
    type_name, field_name = coordinate.split(".")
    event = {
        "arguments": arguments,
        "identity": caller,
        "source": None,
        "info": {"fieldName": field_name, "parentTypeName": type_name},
    }
    answer: dict[str, Any] = module.handler(event, Context("users"))
    return answer


def test_it_answers_every_field_that_the_stack_gives_it(function: ModuleType) -> None:
    resources = yaml_parse((ROOT / "stacks/users.yaml").read_text())["Resources"].values()
    resolvers = [each["Properties"] for each in resources if each["Type"] == "AWS::AppSync::Resolver"]
    assert {f"{each['TypeName']}.{each['FieldName']}" for each in resolvers} == function.FIELDS.keys()


def test_mutations_that_end_subscriptions_say_whose(function: ModuleType, ann: SignedUp) -> None:
    """And their resolvers are the one that ends them."""
    fields = [kind.subscription for kind in topics.ENDED_AT_ONCE]
    ends = [{"subscriptionField": field, "topic": "*", "userId": ann.id} for field in fields]
    operator = identity(SignedUp(str(uuid.uuid4()), "op"), "operators")
    session, done = {"userId": ann.id}, {"userId": ann.id, "done": True}
    answers = {
        "disconnectUser": ask(function, "Mutation.disconnectUser", operator, id=ann.id),
        "signOut": ask(function, "Mutation.signOut", identity(ann)),
        "setUserGroups": ask(function, "Mutation.setUserGroups", operator, id=ann.id, groups=["sellers"]),
        "deleteUser": ask(function, "Mutation.deleteUser", identity(ann)),
    }
    assert answers["setUserGroups"]["data"].pop("answer")["groups"] == ["sellers"]
    assert answers == {
        "disconnectUser": {"data": {"answer": session, "ends": ends}},
        "signOut": {"data": {"answer": session, "ends": ends}},
        "setUserGroups": {"data": {"ends": ends}},
        "deleteUser": {"data": {"answer": done, "ends": ends}},
    }
    resources = yaml_parse((ROOT / "stacks/users.yaml").read_text())["Resources"].values()
    ending = [
        each["Properties"]["FieldName"]
        for each in resources
        if str(each["Properties"].get("CodeS3Location")).endswith("ending.js")
    ]
    assert sorted(ending) == sorted(answers)


def test_a_subscriber_gets_their_own_topic(function: ModuleType, ann: SignedUp) -> None:
    data = {"topic": f"user:{ann.id}", "userId": ann.id}
    assert ask(function, "Subscription.onUser", identity(ann)) == {"data": data}
    assert ask(function, "Subscription.onUser", None)["error"]["type"] == "Unauthorized"


def test_an_ended_session_gets_nothing(function: ModuleType, ann: SignedUp) -> None:
    old = identity(ann, issued_at=1_700_000_000)
    assert ask(function, "Query.me", old)["data"]["id"] == ann.id
    ask(function, "Mutation.signOut", old)
    for coordinate in (
        "Query.me",
        "Query.userChanges",
        "Mutation.signOut",
        "Mutation.deleteUser",
        "Subscription.onUser",
    ):
        answer = ask(function, coordinate, old, **({"after": 0} if coordinate == "Query.userChanges" else {}))
        assert answer["error"]["type"] == "Unauthorized", coordinate


def test_arguments_are_the_schemas(function: ModuleType, ann: SignedUp) -> None:
    given = {"displayName": "Ann", "attributes": [{"name": "a", "value": "1"}], "version": 1, "clientMutationId": "1"}
    assert ask(function, "Mutation.updateProfile", identity(ann), input=given)["data"]["version"] == 2
    refused = ask(function, "Mutation.updateProfile", identity(ann), input=given | {"clientMutationId": "2"})
    assert refused["error"]["type"] == "VersionConflict"
    assert refused["error"]["data"]["displayName"] == "Ann"
    changes = ask(function, "Query.userChanges", identity(ann), after=0, limit=5)["data"]
    assert changes == {
        "userId": ann.id, "topic": f"user:{ann.id}", "items": [], "lastSeq": 0, "headSeq": 0, "resyncRequired": False,
    }  # fmt: skip
