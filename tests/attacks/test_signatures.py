"""SigV4 signatures that must not be taken. Each attack changes one thing of a signed request that is: its twin."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import botocore.auth
import pytest

from tests.attacks.target import Target, whole_refusal
from tests.contract.api import Answer
from tests.contract.realtime import as_subprotocol, dial, session
from tests.contract.signing import Signer

pytestmark = pytest.mark.stack

BODY = b'{"query": "{ room(id: \\"nowhere-at-all\\") { id } }"}'
OTHER_BODY = b'{"query": "{ rooms { nextToken } }"}'
ROOMS = "{ rooms { nextToken } }"
LIVE = 'subscription { onMessages(roomId: "lobby") { topic } }'
PUBLISH = """mutation { publishMessages(input: {
    roomId: "lobby", topic: "room:lobby", firstSeq: 1, lastSeq: 1, items: []}) { topic } }"""

Headers = dict[str, str]


class Caller:
    """An IAM user who may read rooms, and one who may do nothing."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self.url = target.api.url
        self.signer = target.signer("Query/fields/*", "Mutation/fields/sendMessage", "Subscription/fields/onMessages")
        self.powerless = target.signer()

    def headers(self, signer: Signer | None = None, body: bytes = BODY, url: str = "") -> Headers:
        """The headers of a signed request."""
        return (signer or self.signer).http(url or self.url, body)

    def with_(self, **changed: str) -> Headers:
        """Signed headers, changed afterwards. Underscores in names stand for hyphens."""
        found = {name.lower(): value for name, value in self.headers().items()}
        return found | {name.replace("_", "-"): value for name, value in changed.items()}

    def edited(self, old: str, new: str) -> Headers:
        """Signed headers with a piece of `Authorization` replaced."""
        authorization = self.with_()["authorization"]
        assert old in authorization
        return self.with_(authorization=authorization.replace(old, new))

    def by(self, **changed: Any) -> Headers:
        """Signed with changed credentials."""
        return self.headers(dataclasses.replace(self.signer, **changed))

    def send(self, headers: Mapping[str, str], body: bytes = BODY) -> Answer:
        """The request, as it was signed or not."""
        return self.target.api.send("POST", body, headers)


def flipped(caller: Caller) -> Headers:
    """One digit of the signature is another one."""
    authorization = caller.with_()["authorization"]
    last = "0" if authorization[-1] != "0" else "1"
    return caller.with_(authorization=authorization[:-1] + last)


def without(name: str) -> Callable[[Caller], Headers]:
    """Signed headers of which one is not sent."""
    return lambda caller: {key: value for key, value in caller.with_().items() if key != name}


WRONG = ("BadRequestException", 400)
UNKNOWN = ("UnrecognizedClientException", 403)
INVALID = ("InvalidSignatureException", 403)
INCOMPLETE = ("IncompleteSignatureException", 400)
DENIED = ("UnauthorizedException", 401)
MISMATCH = "The request signature we calculated does not match"

# What it is, how it is made, the error, how the reason in the log begins.
ATTACKS: dict[str, tuple[Callable[[Caller], Headers], tuple[str, int], str]] = {
    "of another body": (lambda c: c.headers(body=OTHER_BODY), WRONG, MISMATCH),
    "of another path": (lambda c: c.headers(url=c.url.replace("/graphql", "/other")), WRONG, MISMATCH),
    "of another query string": (lambda c: c.headers(url=f"{c.url}?a=1"), WRONG, MISMATCH),
    "of another host": (
        lambda c: {**c.headers(url="https://other.example/graphql"), "host": c.target.api.host},
        WRONG,
        MISMATCH,
    ),
    "of another region": (lambda c: c.by(region="eu-west-1"), INVALID, "Credential should be scoped to a valid region"),
    "with another secret": (lambda c: c.by(secret_access_key="x" * 40), WRONG, MISMATCH),
    "with an unknown key": (lambda c: c.by(access_key_id="AKIAIOSFODNN7EXAMPLE"), UNKNOWN, "The security token"),
    "with another's key": (lambda c: c.by(access_key_id=c.powerless.access_key_id), WRONG, MISMATCH),
    "with a session that there is not": (lambda c: c.by(session_token="AQoDYXdzEJr"), UNKNOWN, "The security token"),
    "with another digit": (flipped, WRONG, MISMATCH),
    "cut": (lambda c: c.with_(authorization=c.with_()["authorization"][:-1]), WRONG, MISMATCH),
    "empty": (
        lambda c: c.with_(authorization=c.with_()["authorization"].rpartition("=")[0] + "="),
        INCOMPLETE,
        "Authorization header requires 'Signature'",
    ),
    "of another service": (
        lambda c: c.edited("/appsync/", "/execute-api/"),
        INVALID,
        "Credential should be scoped to correct service",
    ),
    "of another end": (
        lambda c: c.edited("/aws4_request", "/aws5_request"),
        INVALID,
        "Credential should be scoped with a valid term",
    ),
    "of another algorithm": (
        lambda c: c.edited("AWS4-HMAC-SHA256", "AWS4-HMAC-SHA1"),
        INCOMPLETE,
        "Unsupported AWS 'algorithm'",
    ),
    "of no algorithm": (lambda c: c.edited("AWS4-HMAC-SHA256", "AWS4-NONE"), INCOMPLETE, "Unsupported AWS 'algorithm'"),
    "without the host": (
        lambda c: c.edited("content-type;host;", "content-type;"),
        INVALID,
        "'Host' or ':authority' must be",
    ),
    "without headers": (
        lambda c: c.edited("SignedHeaders=", "Signed="),
        INCOMPLETE,
        "Authorization header requires 'SignedHeaders'",
    ),
    "without a date": (without("x-amz-date"), INCOMPLETE, "Authorization header requires existence of either"),
    "with another date": (lambda c: c.with_(x_amz_date="20200101T000000Z"), INVALID, "Date in Credential scope"),
    "with a date that is none": (lambda c: c.with_(x_amz_date="%s%n{0}"), INCOMPLETE, "Date must be in ISO-8601"),
    "with a changed signed header": (lambda c: c.with_(content_type="text/plain"), WRONG, MISMATCH),
    "of one without any right": (lambda c: c.headers(c.powerless), DENIED, "Permission denied"),
}


@pytest.fixture(scope="module")
def caller(target: Target) -> Caller:
    return Caller(target)


@pytest.mark.parametrize("name", ATTACKS)
def test_a_signature_is_refused_and_the_log_says_why(target: Target, caller: Caller, name: str) -> None:
    make, (error_type, status), reason = ATTACKS[name]
    headers = make(caller)
    answer, line = target.refused(lambda: caller.send(headers))
    refusal = whole_refusal(answer)
    assert (refusal["type"], refusal["status"]) == (error_type, status), answer.body
    assert (line["errorType"], line["status"]) == (error_type, status)
    assert line["reason"].startswith(reason), line
    assert caller.signer.secret_access_key not in f"{line}{answer.body!r}"


def test_twins_of_the_signatures_are_taken(target: Target, caller: Caller) -> None:
    assert caller.send(caller.headers()).data == {"room": None}
    assert caller.send(caller.headers(body=OTHER_BODY), OTHER_BODY).data["rooms"].keys() == {"nextToken"}


@pytest.mark.parametrize(("minutes", "refused"), [(-16, True), (-6, True), (6, True), (-4, False), (4, False)])
def test_an_old_signature_is_refused(
    target: Target, caller: Caller, monkeypatch: pytest.MonkeyPatch, minutes: int, refused: bool
) -> None:
    """Five minutes, then what was recorded can be replayed no more."""
    moment = datetime.now(UTC) + timedelta(minutes=minutes)
    monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda **_: moment.replace(tzinfo=None))
    headers = caller.headers()
    assert headers["X-Amz-Date"] == moment.strftime("%Y%m%dT%H%M%SZ")
    answer = caller.send(headers)
    if refused:
        assert whole_refusal(answer)["type"] == "InvalidSignatureException"
        assert ("expired" if minutes < 0 else "not yet current") in answer.error["message"]
    else:
        assert answer.data == {"room": None}


def test_a_replayed_mutation_stores_nothing_twice(target: Target, caller: Caller) -> None:
    """AWS takes a signature as often as it comes within five minutes. What a replay must not do is another write."""
    sent = {"roomId": "replayed", "text": "once", "clientMutationId": "replay-1"}
    query = "mutation ($input: SendMessageInput!) { sendMessage(input: $input) { id } }"
    body = json.dumps({"query": query, "variables": {"input": sent}}).encode()
    headers = caller.headers(body=body)
    first, second = (caller.send(headers, body).data["sendMessage"]["id"] for _ in range(2))
    assert first == second
    items = target.api.run('{ messages(roomId: "replayed") { items { text } } }').data["messages"]["items"]
    assert items == [{"text": "once"}]


def test_a_signature_of_an_operation_is_none_of_a_connect_nor_of_another_start(target: Target, caller: Caller) -> None:
    for_http = {**caller.headers(), "host": target.api.host}
    with dial(target.api, subprotocols=("graphql-ws", as_subprotocol(for_http))) as refused:
        assert refused.frame()["type"] == "connection_error"
    with session(target.api, caller.signer.connect(target.api.url)) as socket:
        other = json.dumps({"query": LIVE.replace("lobby", "other"), "variables": {}})
        [error] = socket.refused(LIVE, headers=caller.signer.start(target.api.url, other))
        assert error["errorType"] == "BadRequestException"
        socket.subscribe(LIVE, signer=caller.signer)


def test_nobody_but_the_publisher_s_role_publishes(target: Target, caller: Caller) -> None:
    body = json.dumps({"query": PUBLISH}).encode()
    ways: dict[str, Callable[[], Answer]] = {
        "API key": lambda: target.api.run(PUBLISH),
        "user": lambda: target.api.run(PUBLISH, headers=target.ann.headers),
        "operator": lambda: target.api.run(PUBLISH, headers=target.opal.headers),
        "another role": lambda: caller.send(caller.headers(body=body), body),
    }
    for way, publish in ways.items():
        answer = publish()
        assert answer.json["data"] == {"publishMessages": None}, way
        assert answer.error["errorType"] == "Unauthorized", way
    publisher = target.signer("Mutation/fields/publishMessages")
    topic = caller.send(caller.headers(publisher, body), body).data["publishMessages"]["topic"]
    assert topic == "room:lobby"


@pytest.mark.parametrize("key", ["", "da2-unknown", "%s", "da2-*", "null", "x" * 4000])
def test_an_api_key_that_is_none_is_refused(target: Target, key: str) -> None:
    answer, line = target.refused(lambda: target.api.run(ROOMS, headers={"x-api-key": key}))
    assert (answer.status, line["errorType"]) == (401, "UnauthorizedException")
    assert key not in line["reason"] or not key
    assert target.api.run(ROOMS).status == 200


def test_a_key_in_other_letters_or_twice_is_none(target: Target) -> None:
    for key in (target.api.key.upper(), f"{target.api.key},{target.api.key}", target.api.key[:-1]):
        assert target.api.run(ROOMS, headers={"x-api-key": key}).status == 401
    both = {"x-api-key": target.api.key, "authorization": "AWS4-HMAC-SHA256 Credential=x"}
    assert target.api.run(ROOMS, headers=both).status == 400  # no mode is tried after another
