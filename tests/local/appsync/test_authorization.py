"""The directives: which modes and groups reach a field, and what a refused field looks like (sheet 1.4, 2.2)."""

from __future__ import annotations

from typing import Any

import pytest

from local.appsync.authorization import Authorization
from local.appsync.definition import AuthMode, AuthProvider
from local.appsync.request import Caller
from local.appsync.schema import build_schema
from tests.local.appsync.api import Api

KEY, IAM, COGNITO, OIDC, LAMBDA = (
    AuthMode.API_KEY,
    AuthMode.AWS_IAM,
    AuthMode.AMAZON_COGNITO_USER_POOLS,
    AuthMode.OPENID_CONNECT,
    AuthMode.AWS_LAMBDA,
)

SDL = """
type Query {
  plain: String
  iam: String @aws_iam
  both: String @aws_iam @aws_api_key
  users: String @aws_cognito_user_pools
  admins: String @aws_cognito_user_pools(cognito_groups: ["Admins", "Owners"])
  oidc: String @aws_oidc
  lambda: String @aws_lambda
  marked: Marked @aws_api_key @aws_iam
}
type Marked @aws_iam { inherited: String own: String @aws_api_key }
"""


def allowed(mode: AuthMode, *, default: AuthMode = KEY, groups: set[str] | None = None, **settings: str) -> set[str]:
    authorization = Authorization(build_schema(SDL), (AuthProvider(default, settings), AuthProvider(IAM)))
    caller = Caller(mode, groups=frozenset(groups or ()))
    coordinates = ["Query." + name for name in ("plain", "iam", "both", "users", "admins", "oidc", "lambda")]
    coordinates += ["Marked.inherited", "Marked.own"]
    return {each for each in coordinates if authorization.allows(caller, *each.split("."))}


def test_without_a_directive_only_the_default_mode_reaches_a_field() -> None:
    assert "Query.plain" in allowed(KEY)
    assert "Query.plain" not in allowed(IAM)
    assert "Query.plain" in allowed(IAM, default=IAM)


def test_a_directive_without_the_default_mode_removes_it() -> None:
    assert "Query.iam" not in allowed(KEY)
    assert "Query.iam" in allowed(IAM)


def test_several_directives_are_alternatives() -> None:
    assert "Query.both" in allowed(KEY) & allowed(IAM)


def test_fields_inherit_from_their_type_and_replace_it_with_their_own() -> None:
    assert {"Marked.inherited"} == allowed(IAM) & {"Marked.inherited", "Marked.own"}
    assert {"Marked.own"} == allowed(KEY) & {"Marked.inherited", "Marked.own"}


@pytest.mark.parametrize(("mode", "field"), [(OIDC, "oidc"), (LAMBDA, "lambda"), (COGNITO, "users")])
def test_each_mode_has_its_directive(mode: AuthMode, field: str) -> None:
    assert f"Query.{field}" in allowed(mode)


def test_groups_narrow_a_field_to_callers_in_at_least_one() -> None:
    assert "Query.admins" not in allowed(COGNITO)
    assert "Query.admins" not in allowed(COGNITO, groups={"Guests"})
    assert "Query.admins" in allowed(COGNITO, groups={"Guests", "Owners"})


def test_cognito_by_default_allows_unless_its_default_action_is_deny() -> None:
    assert "Query.plain" in allowed(COGNITO, default=COGNITO, DefaultAction="ALLOW")
    assert "Query.plain" not in allowed(COGNITO, default=COGNITO, DefaultAction="DENY")
    assert "Query.users" in allowed(COGNITO, default=COGNITO, DefaultAction="DENY")


def test_aws_auth_counts_only_when_cognito_is_the_sole_mode() -> None:
    schema = build_schema('type Query { a: ID @aws_auth(cognito_groups: ["Admins"]) }')
    sole = Authorization(schema, (AuthProvider(COGNITO),))
    several = Authorization(schema, (AuthProvider(COGNITO), AuthProvider(KEY)))
    anyone, admin = Caller(COGNITO), Caller(COGNITO, groups=frozenset({"Admins"}))
    assert (sole.allows(anyone, "Query", "a"), sole.allows(admin, "Query", "a")) == (False, True)
    assert several.allows(anyone, "Query", "a")


def test_aws_auth_opens_a_field_under_deny() -> None:
    schema = build_schema('type Query { a: ID @aws_auth(cognito_groups: ["Admins"]) b: ID }')
    authorization = Authorization(schema, (AuthProvider(COGNITO, {"DefaultAction": "DENY"}),))
    admin = Caller(COGNITO, groups=frozenset({"Admins"}))
    assert (authorization.allows(admin, "Query", "a"), authorization.allows(admin, "Query", "b")) == (True, False)


async def test_a_refused_field_is_null_with_an_error_and_its_resolver_not_run() -> None:
    calls: list[Any] = []
    api = Api(SDL, {"Query.iam": calls.append, "Query.plain": lambda _context: "p"})
    response = await api.run("{ plain secret: iam }")
    assert response == {
        "data": {"plain": "p", "secret": None},
        "errors": [
            {
                "path": ["secret"],
                "data": None,
                "errorType": "Unauthorized",
                "errorInfo": None,
                "locations": [{"line": 1, "column": 9, "sourceName": None}],
                "message": "Not Authorized to access iam on type Query",
            }
        ],
    }
    assert calls == []


async def test_refused_fields_of_list_elements_have_integer_paths() -> None:
    sdl = "type Query { items: [Item] } type Item { id: ID secret: String @aws_iam }"
    response = await Api(sdl, {"Query.items": lambda _context: [{"id": "1"}, {"id": "2"}]}).run(
        "{ items { id secret } }"
    )
    assert response["data"] == {"items": [{"id": "1", "secret": None}, {"id": "2", "secret": None}]}
    assert [error["path"] for error in response["errors"]] == [["items", 0, "secret"], ["items", 1, "secret"]]


async def test_a_refused_non_null_field_bubbles_without_a_second_error() -> None:
    sdl = "type Query { item: Item } type Item { id: ID secret: String! @aws_iam }"
    response = await Api(sdl, {"Query.item": lambda _context: {"id": "1", "secret": "s"}}).run("{ item { id secret } }")
    assert response["data"] == {"item": None}
    assert [error["errorType"] for error in response["errors"]] == ["Unauthorized"]


async def test_the_mode_is_the_request_s_and_groups_the_caller_s() -> None:
    api = Api(SDL, {f"Query.{name}": lambda _context: "x" for name in ("admins", "users", "plain")})
    admin = Caller(COGNITO, groups=frozenset({"Admins"}))
    assert (await api.run("{ admins users }", caller=admin))["data"] == {"admins": "x", "users": "x"}
    assert (await api.run("{ admins users }", caller=Caller(COGNITO)))["data"] == {"admins": None, "users": "x"}
    assert (await api.run("{ admins users plain }"))["data"] == {"admins": None, "users": None, "plain": "x"}


async def test_a_caller_s_own_rule_is_asked_for_root_fields() -> None:
    asked: list[tuple[str, str]] = []

    def may_call(type_name: str, field_name: str) -> bool:
        asked.append((type_name, field_name))
        return field_name != "iam"

    api = Api(SDL, {"Query.marked": lambda _context: {"inherited": "i"}, "Query.iam": lambda _context: "x"})
    response = await api.run("{ iam marked { inherited } }", caller=Caller(IAM, may_call=may_call))
    assert response["data"] == {"iam": None, "marked": {"inherited": "i"}}
    assert response["errors"][0]["message"] == "Not Authorized to access iam on type Query"
    assert asked == [("Query", "iam"), ("Query", "marked")]


async def test_a_lambda_authorizer_may_deny_any_field() -> None:
    sdl = "type Query { item: Item } type Item { id: ID name: String }"
    caller = Caller(LAMBDA, may_call=lambda type_name, field_name: (type_name, field_name) != ("Item", "name"))
    api = Api(
        sdl, {"Query.item": lambda _context: {"id": "1", "name": "n"}}, providers=(AuthProvider(AuthMode.AWS_LAMBDA),)
    )
    response = await api.run("{ item { id name } }", caller=caller)
    assert response["data"] == {"item": {"id": "1", "name": None}}
    assert response["errors"][0]["message"] == "Not Authorized to access name on type Item"


async def test_introspection_needs_no_directive() -> None:
    response = await Api(SDL).run("{ __typename __schema { queryType { name } } }", caller=Caller(IAM))
    assert "errors" not in response
