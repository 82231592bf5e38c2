"""The GraphQL endpoint over HTTP: forms, order of evaluation, the failure table, CORS and compression."""

from __future__ import annotations

import asyncio
import gzip
import http.client
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from local.appsync.definition import AuthMode
from local.appsync.http import accepts_gzip
from local.appsync.rates import Quotas, Rates
from tests.local.appsync.serving import API_ID, API_KEY, ROOT, Serving, User, allow, definition, policy, serving

KEY = {"x-api-key": API_KEY}
NOT_AUTHORIZED = "You are not authorized to make this call."


@dataclass
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def data(self) -> Any:
        return self.json["data"]


@pytest.fixture
async def plane() -> AsyncIterator[Serving]:
    async with serving() as running:
        yield running


async def ask(
    plane: Serving, body: Any = None, headers: Mapping[str, str] = KEY, *, method: str = "POST", path: str = "/graphql"
) -> Answer:
    """Send one request with `http.client` and read its answer."""
    content = body if isinstance(body, bytes | None) else json.dumps(body).encode()

    def send() -> Answer:
        connection = http.client.HTTPConnection(plane.host, timeout=5)
        connection.request(method, path, content, dict(headers))
        response = connection.getresponse()
        answer = Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
        connection.close()
        return answer

    return await asyncio.to_thread(send)


def signed(plane: Serving, body: bytes, path: str = "/graphql", **credentials: Any) -> dict[str, str]:
    """The headers of a request signed by botocore."""
    request = AWSRequest("POST", f"http://{plane.host}{path}", {"content-type": "application/json"}, body)
    keys = {"access_key": "test", "secret_key": "test"} | credentials
    SigV4Auth(Credentials(**keys), "appsync", "us-east-1").add_auth(request)
    return dict(request.headers.items())


async def test_a_query_is_answered_with_the_engines_bytes_and_headers(plane: Serving) -> None:
    answer = await ask(plane, {"query": "{ room }", "variables": {"a": [1]}, "operationName": "Q", "extensions": {}})
    assert answer.status == 200
    assert answer.headers["content-type"] == "application/json;charset=UTF-8"
    assert answer.headers["x-set-by-resolver"] == "yes"
    assert answer.headers["x-amzn-requestid"] == answer.data["requestId"]
    assert answer.headers["x-amzn-appsync-tokensconsumed"] == "1"
    assert (answer.data["query"], answer.data["variables"]) == ("{ room }", {"a": [1]})
    assert (answer.data["operationName"], answer.data["mode"]) == ("Q", "API_KEY")


@pytest.mark.parametrize("variables", [{}, {"variables": None}])
async def test_variables_may_be_missing_or_null(plane: Serving, variables: dict[str, Any]) -> None:
    assert (await ask(plane, {"query": "{ room }"} | variables)).data["variables"] == {}


@pytest.mark.parametrize("content_type", ["application/graphql", "text/plain", "application/json; charset=utf-8"])
async def test_the_content_type_does_not_matter(plane: Serving, content_type: str) -> None:
    assert (await ask(plane, {"query": "{ room }"}, KEY | {"content-type": content_type})).status == 200


async def test_get_takes_the_operation_from_the_query_string(plane: Serving) -> None:
    members = {"query": "query Q { room }", "variables": '{"a":1}', "operationName": "Q"}
    path = f"/graphql?{urlencode(members, quote_via=quote)}"
    data = (await ask(plane, method="GET", path=path)).data
    assert (data["query"], data["variables"], data["operationName"]) == ("query Q { room }", {"a": 1}, "Q")


async def test_get_takes_mutations_too(plane: Serving) -> None:
    path = f"/graphql?{urlencode({'query': 'mutation { send }'})}"
    assert (await ask(plane, method="GET", path=path)).data["query"] == "mutation { send }"


@pytest.mark.parametrize("variables", ["", "&variables=", "&variables=null", "&variables=%7B%7D"])
async def test_get_without_variables(plane: Serving, variables: str) -> None:
    path = f"/graphql?query=%7B+room%20%7D{variables}&operationName=&extensions=%7B"
    data = (await ask(plane, method="GET", path=path)).data
    assert (data["query"], data["variables"], data["operationName"]) == ("{ room }", {}, None)


@pytest.mark.parametrize(
    "query",
    [
        pytest.param("", id="nothing"),
        pytest.param("?", id="an empty query string"),
        pytest.param("?variables={}", id="no query"),
        pytest.param("?query=%FF", id="no UTF-8"),
        pytest.param("?query=q&variables=meow", id="variables that are no JSON"),
        pytest.param("?query=q&variables=[]", id="variables that are no object"),
        pytest.param("?query=q" + "&a=1" * 200, id="too many members"),
    ],
)
async def test_get_without_an_operation_is_malformed(plane: Serving, query: str) -> None:
    answer = await ask(plane, method="GET", path=f"/graphql{query}")
    assert (answer.status, answer.body) == (400, refusal(*MALFORMED))


async def test_the_query_string_of_a_post_and_the_body_of_a_get_do_not_count(plane: Serving) -> None:
    assert (await ask(plane, path="/graphql?query=q")).body == refusal(
        "MalformedHttpRequestException", "Request body is empty."
    )
    assert (await ask(plane, {"query": "{ room }"}, method="GET")).status == 400


async def test_a_get_is_signed_with_its_query_string(plane: Serving) -> None:
    path = "/graphql?query=%7B%20room%20%7D"
    request = AWSRequest("GET", f"http://{plane.host}{path}")
    SigV4Auth(Credentials("test", "test"), "appsync", "us-east-1").add_auth(request)
    headers = dict(request.headers.items())
    assert (await ask(plane, headers=headers, method="GET", path=path)).data["mode"] == "AWS_IAM"
    assert (await ask(plane, headers=headers, method="GET", path=f"{path}%20")).status == 400


async def test_another_api_is_found_by_its_id_and_by_its_aws_host_name(plane: Serving) -> None:
    await plane.apis.serve(definition(AuthMode.AWS_IAM, api_id="other"), plane.engine)
    assert (await ask(plane, {"query": "{ room }"}, path=f"/{API_ID}/graphql")).status == 200
    assert (await ask(plane, {"query": "{ room }"}, path="/other/graphql")).status == 401
    host = {"host": "other.appsync-api.us-east-1.amazonaws.com"}
    assert (await ask(plane, {"query": "{ room }"}, KEY | host)).status == 401


def refusal(error_type: str, message: str) -> bytes:
    """A transport-level body, character by character."""
    errors = f'"errorType" : "{error_type}",\n    "message" : "{message}"'
    return f'{{\n  "errors" : [ {{\n    {errors}\n  }} ]\n}}'.encode()


MALFORMED = ("MalformedHttpRequestException", "Unable to parse GraphQL query.")


@pytest.mark.parametrize(
    ("body", "status", "error"),
    [
        (b"", 400, ("MalformedHttpRequestException", "Request body is empty.")),
        (b"meow", 400, MALFORMED),
        (b"{}", 400, MALFORMED),
        (b"[]", 400, MALFORMED),
        (b"{}}", 400, MALFORMED),
        (b"\xff", 400, MALFORMED),
        (b"[" * 100_000, 400, MALFORMED),
        ([{"query": "{ room }"}], 400, MALFORMED),
        ({"query": None}, 400, MALFORMED),
        ({"query": ["{ room }"]}, 400, MALFORMED),
        ({"query": "{ room }", "variables": []}, 400, MALFORMED),
        ({"query": "{ room }", "operationName": 1}, 400, MALFORMED),
        ({"query": "meow"}, 400, MALFORMED),
        ({"query": "several"}, 400, ("BadRequestException", "Missing operation name.")),
        ({"query": "crash"}, 500, ("InternalFailure", "The local AppSync failed; its log has the reason.")),
        ({"query": "unknown"}, 501, ("NotEmulated", "teleportation is not emulated: no test needs it")),
    ],
)
async def test_the_failure_table(plane: Serving, body: Any, status: int, error: tuple[str, str]) -> None:
    answer = await ask(plane, body)
    assert answer.status == status
    assert answer.body == refusal(*error)
    assert answer.headers["x-amzn-errortype"] == error[0]
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "x-amzn-errortype" in answer.headers["access-control-expose-headers"].lower()
    assert "x-amzn-requestid" in answer.headers


@pytest.mark.parametrize(
    ("headers", "message"),
    [
        ({}, NOT_AUTHORIZED),
        ({"x-api-key": "da2-wrong"}, NOT_AUTHORIZED),
        ({"x-api-key": ""}, NOT_AUTHORIZED),
        ({"authorization": "some token"}, "Valid authorization header not provided."),
    ],
)
async def test_missing_and_wrong_credentials_are_401(plane: Serving, headers: dict[str, str], message: str) -> None:
    answer = await ask(plane, {"query": "{ room }"}, headers)
    assert answer.status == 401
    assert answer.body == refusal("UnauthorizedException", message)
    assert answer.headers["x-amzn-errortype"] == "UnauthorizedException"


async def test_an_expired_key_is_401() -> None:
    async with serving(definition(expires_at=1000), clock=lambda: 1000) as plane:
        assert (await ask(plane, {"query": "{ room }"})).status == 401


async def test_the_body_is_read_before_the_credentials(plane: Serving) -> None:
    assert (await ask(plane, b"meow", {})).status == 400


async def test_the_credentials_are_checked_before_the_document(plane: Serving) -> None:
    assert (await ask(plane, {"query": "meow"}, {})).status == 401


async def test_an_api_without_a_schema_is_502_after_the_credentials(plane: Serving) -> None:
    await plane.apis.serve(definition(schema=""), None)
    assert (await ask(plane, {"query": "meow"}, {})).status == 401
    answer = await ask(plane, {"query": "meow"})
    assert answer.status == 502
    assert answer.body == refusal("GraphQLSchemaException", "No schema definition exists.")


async def test_an_unknown_api_is_404_before_the_credentials(plane: Serving) -> None:
    answer = await ask(plane, {"query": "{ room }"}, {}, path="/nobody/graphql")
    assert (answer.status, answer.headers["x-amzn-errortype"]) == (404, "NotFoundException")


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/"), ("POST", "/graphql/"), ("GET", "/graphql/realtime"), ("PUT", "/graphql"), ("DELETE", "/graphql")],
)
async def test_a_wrong_path_or_method_is_an_unknown_operation(plane: Serving, method: str, path: str) -> None:
    answer = await ask(plane, {"query": "{ room }"}, method=method, path=path)
    assert answer.status == 404
    assert answer.json["Output"]["__type"] == "com.amazon.coral.service#UnknownOperationException"


async def test_ping_needs_no_credentials_and_may_be_read_from_any_origin(plane: Serving) -> None:
    answer = await ask(plane, None, {}, method="GET", path="/ping")
    assert (answer.status, answer.body) == (200, b"healthy")
    assert answer.headers["access-control-allow-origin"] == "*"
    assert (await ask(plane, {"query": "{ room }"}, path="/ping")).status == 404


async def test_head_runs_nothing_and_has_no_body(plane: Serving) -> None:
    for path in ("/graphql", "/graphql?query=crash"):
        answer = await ask(plane, method="HEAD", path=path)
        assert (answer.status, answer.body) == (404, b"")


async def test_a_body_over_1_mib_is_refused_as_browsers_can_read_it(plane: Serving) -> None:
    answer = await ask(plane, b"x" * (1024 * 1024 + 1))
    assert answer.status == 413
    assert answer.body == refusal("RequestEntityTooLargeException", "The request's body is larger than 1048576 bytes.")
    assert answer.headers["x-amzn-errortype"] == "RequestEntityTooLargeException"
    assert answer.headers["access-control-allow-origin"] == "*"


async def test_requests_over_the_accounts_tokens_are_429_unless_they_are_refused_anyway() -> None:
    now = 0.0
    quotas = Quotas(request_tokens=2, connects=0, inbound_messages=0)
    async with serving(rates=Rates(quotas, clock=lambda: now)) as plane:
        await plane.apis.serve(definition(api_id="other"), plane.engine)
        assert (await ask(plane, {"query": "{ room }"}, {})).status == 401
        assert (await ask(plane, {"query": "{ room }"})).status == 200
        assert (await ask(plane, {"query": "{ room }"}, path="/other/graphql")).status == 200
        refused = await ask(plane, {"query": "{ room }"})
        assert refused.status == 429
        assert refused.body == refusal("TooManyRequestsException", "Rate exceeded")
        now = 0.5
        assert (await ask(plane, {"query": "{ room }"})).status == 200


async def test_a_preflight_needs_no_credentials_and_names_the_headers(plane: Serving) -> None:
    asked = "authorization,content-type,x-amz-user-agent"
    headers = {"origin": "http://localhost:5173", "access-control-request-headers": asked}
    answer = await ask(plane, headers=headers, method="OPTIONS")
    assert answer.status == 200
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["access-control-allow-headers"] == asked
    assert "POST" in answer.headers["access-control-allow-methods"]


async def test_a_large_answer_is_compressed_when_accepted(plane: Serving) -> None:
    plain = await ask(plane, {"query": "big"})
    small = await ask(plane, {"query": "{ room }"}, KEY | {"accept-encoding": "gzip"})
    packed = await ask(plane, {"query": "big"}, KEY | {"accept-encoding": "br, gzip;q=0.8"})
    assert "content-encoding" not in plain.headers
    assert "content-encoding" not in small.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert plain.headers["vary"] == packed.headers["vary"] == "accept-encoding"
    assert json.loads(gzip.decompress(packed.body))["data"]["text"] == plain.data["text"]


@pytest.mark.parametrize(
    ("value", "accepted"),
    [
        ("gzip", True),
        ("GZIP", True),
        ("*", True),
        ("br,gzip", True),
        ("gzip;q=0", False),
        ("xgzip", False),
        ("x-gzip", True),
        ("gzip ; q=0.5", True),
        ("gzip;Q=1.000", True),
        ("*;q=0, gzip", True),
        ("gzip;q=0, *", False),
        ("*;q=0", False),
        ("deflate, gzip;q=0.1", True),
        ("deflate", False),
        ("deflate, br;q=1, zstd", False),
        ("identity, gzip;q=0.5", False),
        ("identity;q=0.5, gzip", True),
        ("gzip;q=1.2.3", False),
        ("gzip;q=2, *", True),
        ("gzip;q=", False),
        (",,", False),
        ("", False),
    ],
)
def test_accept_encoding(value: str, accepted: bool) -> None:
    assert accepts_gzip(value) is accepted


async def test_the_resolvers_see_the_request(plane: Serving) -> None:
    headers = KEY | {"Cookie": "secret", "X-Custom": "a", "x-forwarded-for": "10.0.0.1, 10.0.0.2"}
    seen = (await ask(plane, {"query": "{ room }"}, headers)).data["headers"]
    assert seen["x-custom"] == "a"
    assert seen["x-api-key"] == API_KEY
    assert "cookie" not in seen


async def test_a_signed_request_has_an_iam_identity(plane: Serving) -> None:
    body = b'{"query":"{ room }"}'
    data = (await ask(plane, body, signed(plane, body))).data
    assert data["mode"] == "AWS_IAM"
    assert data["identity"] == {
        "accountId": "000000000000",
        "cognitoIdentityPoolId": None,
        "cognitoIdentityId": None,
        "sourceIp": ["127.0.0.1"],
        "username": ROOT.user_id,
        "userArn": ROOT.arn,
        "cognitoIdentityAuthType": None,
        "cognitoIdentityAuthProvider": None,
    }


async def test_a_signed_request_to_an_apis_own_path(plane: Serving) -> None:
    body = b'{"query":"{ room }"}'
    path = f"/{API_ID}/graphql"
    assert (await ask(plane, body, signed(plane, body, path), path=path)).status == 200


async def test_a_signature_wins_over_an_api_key_with_no_way_back(plane: Serving) -> None:
    body = b'{"query":"{ room }"}'
    assert (await ask(plane, body, signed(plane, body) | KEY)).data["mode"] == "AWS_IAM"
    assert (await ask(plane, body, signed(plane, body, secret_key="wrong") | KEY)).status == 400


async def test_a_wrong_signature_is_answered_with_the_canonical_request(plane: Serving) -> None:
    body = b'{"query":"{ room }"}'
    answer = await ask(plane, body, signed(plane, body, secret_key="wrong"))
    assert (answer.status, answer.headers["x-amzn-errortype"]) == (400, "BadRequestException")
    message = answer.json["errors"][0]["message"]
    assert message.startswith("The request signature we calculated does not match the signature you provided.")
    assert f"'POST\n/graphql\n\ncontent-type:application/json\nhost:{plane.host}\nx-amz-date:" in message


async def test_an_unknown_key_is_403(plane: Serving) -> None:
    body = b'{"query":"{ room }"}'
    answer = await ask(plane, body, signed(plane, body, access_key="AKIANOBODY"))
    assert (answer.status, answer.headers["x-amzn-errortype"]) == (403, "UnrecognizedClientException")


async def test_a_changed_body_does_not_pass(plane: Serving) -> None:
    body = b'{"query":"{ room }"}'
    assert (await ask(plane, b'{"query":"{ rooms }"}', signed(plane, body))).status == 400


async def test_policies_decide_on_each_field_and_on_the_api(plane: Serving) -> None:
    body = b'{"query":"{ room }"}'
    api = f"arn:aws:appsync:us-east-1:000000000000:apis/{API_ID}"
    plane.users["READER"] = User(policies=(policy(allow(f"{api}/types/Query/fields/room")),))
    plane.users["LISTENER"] = User(policies=(policy(allow(f"{api}/types/Subscription/*")),))
    plane.users["STRANGER"] = User(policies=(policy(allow("arn:aws:appsync:*:*:apis/another/*")),))
    keys = {"secret_key": "secret"}
    assert (await ask(plane, body, signed(plane, body, access_key="READER", **keys))).data["mayQuery"] is True
    assert (await ask(plane, body, signed(plane, body, access_key="LISTENER", **keys))).data["mayQuery"] is False
    refused = await ask(plane, body, signed(plane, body, access_key="STRANGER", **keys))
    assert refused.status == 401
    assert refused.body == refusal("UnauthorizedException", "Permission denied")
