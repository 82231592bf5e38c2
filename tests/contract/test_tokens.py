"""User pools and Lambda authorizers (sheet 2.1, 2.3, 2.4)."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from tests.contract.api import Answer, Api
from tests.contract.facts import choice, fact
from tests.contract.realtime import as_subprotocol, dial, session
from tests.contract.target import Target

REFUSED = {"errorType": "UnauthorizedException", "message": "You are not authorized to make this call."}


@pytest.fixture(scope="module")
def user(target: Target) -> dict[str, str]:
    """The tokens of a user in the group `members`."""
    return target.sign_in(group="members")


def ask(api: Api, query: str, token: str) -> Answer:
    """An operation with a token."""
    return api.run(query, headers={"authorization": token})


def claims(token: str) -> dict[str, Any]:
    """What is in a JSON Web Token."""
    segment = token.split(".")[1]
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4)))
    return found


# User pools.


@fact("2.1", "DG")
@pytest.mark.parametrize("kind", ["IdToken", "AccessToken"])
@pytest.mark.parametrize("prefix", ["", "Bearer "])
def test_an_id_or_access_token_is_taken_raw_or_as_bearer(
    target: Target, user: dict[str, str], kind: str, prefix: str
) -> None:
    assert ask(target.token, "{ root { name } }", prefix + user[kind]).data == {"root": {"name": "node"}}


@fact("2.3", "DG")
def test_the_identity_of_a_user(target: Target, user: dict[str, str]) -> None:
    identity = json.loads(ask(target.token, "{ who }", user["IdToken"]).data["who"])["identity"]
    found = claims(user["IdToken"])
    assert set(identity) == {"sub", "issuer", "username", "claims", "sourceIp", "defaultAuthStrategy", "groups"}
    assert (identity["sub"], identity["issuer"]) == (found["sub"], found["iss"])
    assert identity["username"] == found["cognito:username"]
    assert identity["claims"]["token_use"] == "id"
    assert identity["defaultAuthStrategy"] == "ALLOW"
    assert identity["groups"] == ["members"]


@fact("2.3", "DG")
def test_a_user_without_groups_has_null_for_them(target: Target) -> None:
    token = target.sign_in()["AccessToken"]
    identity = json.loads(ask(target.token, "{ who }", token).data["who"])["identity"]
    assert identity.get("groups") is None


@fact("2.1", "DG")
def test_auth_type_of_a_user(target: Target, user: dict[str, str]) -> None:
    who = json.loads(ask(target.token, "{ who }", user["IdToken"]).data["who"])
    assert who["authType"] == "User Pool Authorization"


@fact("2.2", "DG")
def test_one_of_the_named_groups_is_enough(target: Target, user: dict[str, str]) -> None:
    assert ask(target.token, "{ members }", user["IdToken"]).data == {"members": "yes"}


@fact("2.2", "DG")
def test_a_user_of_no_named_group_is_refused(target: Target, user: dict[str, str]) -> None:
    answer = ask(target.token, "{ others }", user["IdToken"])
    assert answer.json["data"] == {"others": None}
    assert answer.error["message"] == "Not Authorized to access others on type Query"


@fact("1.3", "sheet")
def test_a_token_of_another_pool_is_not_authorized(target: Target) -> None:
    answer = ask(target.token, "{ who }", target.sign_in("OtherUserPool")["IdToken"])
    assert (answer.status, answer.error["errorType"]) == (401, "UnauthorizedException")


@fact("1.3", "sheet")
def test_a_token_that_was_changed_is_not_authorized(target: Target, user: dict[str, str]) -> None:
    header, body, signature = user["IdToken"].split(".")
    changed = base64.urlsafe_b64encode(json.dumps({**claims(user["IdToken"]), "sub": "x"}).encode()).decode()
    answer = ask(target.token, "{ who }", ".".join((header, changed.rstrip("="), signature)))
    assert body
    assert (answer.status, answer.error["errorType"]) == (401, "UnauthorizedException")


@choice("1.3", "the words of a missing header stand for every token that is not valid")
def test_a_token_of_another_pool_is_told_in_the_words_of_a_missing_header(target: Target) -> None:
    answer = ask(target.token, "{ who }", target.sign_in("OtherUserPool")["IdToken"])
    assert answer.error["message"] == "Valid authorization header not provided."


@fact("7.1", "DG")
def test_a_user_connects_and_subscribes_with_a_token(target: Target, user: dict[str, str]) -> None:
    header = {"host": target.token.host, "Authorization": user["AccessToken"]}
    with session(target.token, header) as socket:
        socket.subscribe("subscription { onEvent { id } }", headers=header)
        query = 'mutation { publish(value: "{\\"id\\": \\"1\\"}") { id } }'
        assert ask(target.token, query, user["IdToken"]).data == {"publish": {"id": "1"}}
        assert socket.event() == {"data": {"onEvent": {"id": "1"}}}


@fact("7.3", "obs")
def test_a_connect_with_a_token_of_another_pool_is_not_authorized(target: Target) -> None:
    header = {"host": target.token.host, "Authorization": target.sign_in("OtherUserPool")["IdToken"]}
    with dial(target.token, subprotocols=("graphql-ws", as_subprotocol(header))) as socket:
        (problem,) = socket.frame()["payload"]["errors"]
        assert (problem["errorType"], problem["errorCode"]) == ("UnauthorizedException", 401)


# Lambda authorizers.


def who(target: Target, token: str) -> dict[str, Any]:
    """The context of a caller that the authorizer let in."""
    found: dict[str, Any] = json.loads(ask(target.authorized, "{ who }", token).data["who"])
    return found


@fact("2.3", "DG")
def test_the_identity_of_an_authorized_caller_is_the_resolver_context(target: Target) -> None:
    found = who(target, "allow")
    assert list(found["identity"]) == ["resolverContext"]
    assert set(found["identity"]["resolverContext"]) == {"event", "number", "call"}


@fact("2.1", "obs Amplify")
def test_auth_type_of_an_authorized_caller(target: Target) -> None:
    assert who(target, "allow")["authType"] == "Lambda Authorization"


@fact("2.4", "DG")
def test_the_authorizer_gets_token_request_context_and_headers(target: Target) -> None:
    answer = target.authorized.send(
        "POST",
        json.dumps({"query": "query Me { who }", "operationName": "Me", "variables": {"a": 1}}).encode(),
        {"authorization": "allow", "x-custom": "v", "content-type": "application/json"},
    )
    context = json.loads(answer.data["who"])["identity"]["resolverContext"]
    event = json.loads(context["event"])
    assert event["authorizationToken"] == "allow"
    asked = event["requestContext"]
    assert (asked["queryString"], asked["operationName"], asked["variables"]) == ("query Me { who }", "Me", {"a": 1})
    assert asked["apiId"]
    assert asked["accountId"]
    assert asked["requestId"]
    assert event["requestHeaders"]["x-custom"] == "v"


@fact("2.4", "DG")
@pytest.mark.parametrize("token", ["deny", "raise", "empty", "NOT-BY-THE-EXPRESSION"])
def test_whatever_is_not_a_yes_is_not_authorized(target: Target, token: str) -> None:
    answer = ask(target.authorized, "{ who }", token)
    assert (answer.status, answer.error) == (401, REFUSED)


@fact("2.4", "DG")
def test_denied_fields_are_null_by_name_and_by_arn(target: Target) -> None:
    answer = ask(target.authorized, "{ denied deniedByArn both }", "fields")
    assert answer.status == 200
    assert answer.json["data"] == {"denied": None, "deniedByArn": None, "both": "yes"}
    assert [error["errorType"] for error in answer.errors] == ["Unauthorized", "Unauthorized"]
    assert answer.errors[0]["message"] == "Not Authorized to access denied on type Query"


@fact("2.4", "DG")
def test_answers_are_not_kept_by_default(target: Target) -> None:
    calls = {who(target, "allow")["identity"]["resolverContext"]["call"] for _ in range(2)}
    assert len(calls) == 2


@fact("2.4", "DG")
def test_ttl_override_keeps_an_answer_by_its_token(target: Target) -> None:
    def call(token: str) -> str:
        return str(who(target, token)["identity"]["resolverContext"]["call"])

    assert call("remember-one") == call("remember-one") != call("remember-two")


@fact("2.2", "DG")
def test_modes_of_the_directives_hold_for_an_authorizer_too(target: Target) -> None:
    assert ask(target.authorized, "{ keyed }", "allow").json["data"] == {"keyed": None}
    assert target.authorized.run("{ keyed both denied }").json["data"] == {
        "keyed": "yes",
        "both": "yes",
        "denied": None,
    }


@fact("2.1", "DG")
def test_an_authorizer_answers_for_a_real_time_connection(target: Target) -> None:
    header = {"host": target.authorized.host, "Authorization": "allow"}
    with session(target.authorized, header) as socket:
        socket.subscribe("subscription { onEvent { id } }", headers=header)
        (error,) = socket.refused("subscription { onEvent { id } }", headers={**header, "Authorization": "deny"})
        assert error["errorType"] == "UnauthorizedException"


@fact("7.3", "DG")
def test_an_authorizer_refuses_a_real_time_connection(target: Target) -> None:
    header = {"host": target.authorized.host, "Authorization": "deny"}
    with dial(target.authorized, subprotocols=("graphql-ws", as_subprotocol(header))) as socket:
        assert socket.frame()["payload"]["errors"] == [{**REFUSED, "errorCode": 401}]
