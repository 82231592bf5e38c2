"""The Lambda authorizer: its event, what its answers mean, and what is kept of them."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from local.appsync.auth import lambda_authorizer
from local.appsync.auth.authenticate import Authenticator
from local.appsync.auth.credentials import AuthenticationError, Credentials
from local.appsync.auth.lambda_authorizer import LARGEST_ANSWER_BYTES, LARGEST_CACHED_BYTES
from local.appsync.auth.principals import Principals
from local.appsync.definition import AuthMode, AuthProvider
from local.appsync.request import Caller, OperationRequest
from local.errors import NotEmulated
from local.functions import FunctionsError, Invocation
from tests.local.appsync.serving import API_ID, User, definition

FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:authorizer:live"
TOKEN = "custom-token"
CALL = "401 UnauthorizedException: You are not authorized to make this call."
ALLOW: dict[str, Any] = {"isAuthorized": True}


class Authorizer:
    """A function and the API that it guards. `answer` is what it returns: JSON, bytes, or an error to raise."""

    def __init__(self, answer: Any = ALLOW, **settings: Any) -> None:
        self.answer = answer
        self.failed: str | None = None
        self.events: list[Any] = []
        self.now = 1000.0
        provider = AuthProvider(AuthMode.AWS_LAMBDA, {"AuthorizerUri": FUNCTION, **settings})
        self._authenticator = Authenticator(
            definition(providers=(provider,)), Principals(_nobody), lambda: self.now, invoke=self.invoke
        )

    async def invoke(self, function_arn: str, event: bytes) -> Invocation:
        assert function_arn == FUNCTION
        self.events.append(json.loads(event))
        if isinstance(self.answer, Exception):
            raise self.answer
        if callable(self.answer):
            await self.answer()
        payload = self.answer if isinstance(self.answer, bytes) else json.dumps(self.answer).encode()
        return Invocation(payload, self.failed, b"")

    async def ask(
        self, token: str = TOKEN, operation: OperationRequest | None = None, **headers: str | list[str]
    ) -> Caller:
        given: dict[str, str | list[str]] = {"authorization": token, **headers}
        return await self._authenticator.authenticate(Credentials(given, operation=operation, request_id="request 1"))

    async def refusal(self, token: str = TOKEN) -> str:
        with pytest.raises(AuthenticationError) as error:
            await self.ask(token)
        return f"{error.value.status} {error.value.error_type}: {error.value.message}"


async def _nobody(access_key_id: str, session_token: str | None) -> User | None:
    return None


class _NotPermitted(FunctionsError):
    code = "AccessDeniedException"


async def test_a_function_that_appsync_may_not_invoke_is_a_bad_request_without_a_message() -> None:
    assert await Authorizer(_NotPermitted("no AWS::Lambda::Permission")).refusal() == "400 BadRequestException: "


async def test_the_event_of_a_request() -> None:
    authorizer = Authorizer()
    operation = OperationRequest("query Rooms($n: Int) { rooms }", {"n": 3}, "Rooms")
    await authorizer.ask("Bearer secret", operation, cookie="a=b", accept=["a", "b"])
    assert authorizer.events == [
        {
            "authorizationToken": "Bearer secret",
            "requestContext": {
                "apiId": API_ID,
                "accountId": "000000000000",
                "requestId": "request 1",
                "queryString": "query Rooms($n: Int) { rooms }",
                "operationName": "Rooms",
                "variables": {"n": 3},
            },
            "requestHeaders": {"authorization": "Bearer secret", "accept": "a,b"},
        }
    ]


async def test_an_operation_without_a_name_has_none_in_the_event() -> None:
    authorizer = Authorizer()
    await authorizer.ask(operation=OperationRequest("{ rooms }"))
    assert "operationName" not in authorizer.events[0]["requestContext"]


async def test_the_event_of_a_connect_has_no_operation_but_a_name() -> None:
    authorizer = Authorizer()
    await authorizer.ask()
    context = authorizer.events[0]["requestContext"]
    assert (context["operationName"], context["queryString"], context["variables"]) == ("Deepdish:Connect", "", {})


async def test_the_context_becomes_the_identity() -> None:
    context = {"user": "ann", "level": 3, "admin": True, "team": None}
    caller = await Authorizer(ALLOW | {"resolverContext": context}).ask()
    assert (caller.mode, caller.identity) == (AuthMode.AWS_LAMBDA, {"resolverContext": context})
    assert (await Authorizer().ask()).identity == {"resolverContext": {}}


async def test_a_nested_context_is_not_guessed_at() -> None:
    with pytest.raises(NotEmulated, match="resolverContext"):
        await Authorizer(ALLOW | {"resolverContext": {"user": {"name": "ann"}}}).ask()


async def test_denied_fields_by_name_and_by_arn() -> None:
    arn = f"arn:aws:appsync:us-east-1:000000000000:apis/{API_ID}/types/Message/fields/text"
    foreign = "arn:aws:appsync:us-east-1:000000000000:apis/another/types/Message/fields/id"
    caller = await Authorizer(ALLOW | {"deniedFields": ["Query.rooms", arn, foreign, "Mutation"]}).ask()
    asked = [("Query", "rooms"), ("Message", "text"), ("Message", "id"), ("Query", "room"), ("Mutation", "send")]
    assert [caller.may_call(*field) for field in asked] == [False, False, True, True, True]


@pytest.mark.parametrize(
    "answer",
    [
        {"isAuthorized": False},
        {"isAuthorized": "true"},
        {"isAuthorized": 1},
        {"isAuthorized": None},
        {},
        [ALLOW],
        None,
        True,
        b"",
        b"{",
        ALLOW | {"deniedFields": "Query.rooms"},
        ALLOW | {"deniedFields": [1]},
        ALLOW | {"resolverContext": "ann"},
        ALLOW | {"resolverContext": []},
        ALLOW | {"ttlOverride": "5"},
        ALLOW | {"ttlOverride": True},
        FunctionsError("no such function"),
    ],
)
async def test_anything_but_a_clear_yes_is_a_no(answer: Any) -> None:
    assert await Authorizer().ask()
    assert await Authorizer(answer).refusal() == CALL


async def test_a_function_that_fails_refuses_whatever_it_returned() -> None:
    authorizer = Authorizer()
    authorizer.failed = "Unhandled"
    assert await authorizer.refusal() == CALL


async def test_a_function_that_does_not_answer_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lambda_authorizer, "TIMEOUT_SECONDS", 0.02)
    never = asyncio.Event()
    assert await Authorizer(never.wait).refusal() == CALL


async def test_variables_that_nest_too_deeply_for_an_event() -> None:
    deep: Any = 1
    for _ in range(500):
        deep = [deep]
    authorizer = Authorizer()
    with pytest.raises(AuthenticationError):
        await authorizer.ask(operation=OperationRequest("{ rooms }", {"deep": deep}))
    assert authorizer.events == []


async def test_the_expression_is_asked_before_the_function() -> None:
    authorizer = Authorizer(IdentityValidationExpression=r"Bearer [\w.]+")
    assert await authorizer.ask("Bearer a.b")
    for token in ("a.b", "Bearer a-b", "Bearer a.b "):
        assert await authorizer.refusal(token) == CALL
    assert len(authorizer.events) == 1


async def test_without_a_time_to_live_every_request_asks() -> None:
    authorizer = Authorizer()
    await authorizer.ask()
    await authorizer.ask()
    assert len(authorizer.events) == 2


async def test_answers_are_kept_by_token_for_the_api_s_time() -> None:
    authorizer = Authorizer(AuthorizerResultTtlInSeconds=60)
    await authorizer.ask("one")
    authorizer.answer = {"isAuthorized": False}
    authorizer.now += 59.9
    assert await authorizer.ask("one")
    assert await authorizer.refusal("two") == CALL
    authorizer.now += 0.1
    assert await authorizer.refusal("one") == CALL


async def test_a_no_is_kept_too() -> None:
    authorizer = Authorizer({"isAuthorized": False}, AuthorizerResultTtlInSeconds=60)
    assert await authorizer.refusal() == CALL
    authorizer.answer = ALLOW
    assert await authorizer.refusal() == CALL


async def test_a_failure_is_not_kept() -> None:
    authorizer = Authorizer({}, AuthorizerResultTtlInSeconds=60)
    assert await authorizer.refusal() == CALL
    authorizer.answer = ALLOW
    assert await authorizer.ask()


@pytest.mark.parametrize(("ttl", "override", "calls"), [(60, 0, 2), (0, 60, 1), (60, None, 1), (0, None, 2)])
async def test_the_answer_s_own_time_wins(ttl: int, override: int | None, calls: int) -> None:
    authorizer = Authorizer(ALLOW | {"ttlOverride": override}, AuthorizerResultTtlInSeconds=ttl)
    await authorizer.ask()
    await authorizer.ask()
    assert len(authorizer.events) == calls


@pytest.mark.parametrize(
    ("size", "calls"), [(LARGEST_CACHED_BYTES - 1, 1), (LARGEST_CACHED_BYTES, 2), (LARGEST_ANSWER_BYTES, 2)]
)
async def test_large_answers_are_not_kept(size: int, calls: int) -> None:
    authorizer = Authorizer(_padded(size), AuthorizerResultTtlInSeconds=60)
    await authorizer.ask()
    await authorizer.ask()
    assert len(authorizer.events) == calls


async def test_an_answer_of_more_than_5_mb_is_none() -> None:
    assert await Authorizer(_padded(LARGEST_ANSWER_BYTES + 1)).refusal() == CALL


async def test_the_memory_of_answers_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lambda_authorizer, "CACHED_ANSWERS", 2)
    authorizer = Authorizer(AuthorizerResultTtlInSeconds=60)
    for token in ("one", "two", "three", "three", "two", "one"):
        await authorizer.ask(token)
    assert [event["authorizationToken"] for event in authorizer.events] == ["one", "two", "three", "one"]


def _padded(size: int) -> bytes:
    start = b'{"isAuthorized": true, "resolverContext": {"text": "'
    return start + b"x" * (size - len(start) - 3) + b'"}}'
