"""HTTP APIs as SAM defines them: routes, events, authorizers and refusals."""

from __future__ import annotations

import base64
import contextlib
import http.server
import json
import socketserver
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import jwt
import pytest
import urllib3

from tests.local.ministack.contract import contract
from tests.local.ministack.servers import Server, running, wait_until

ECHO = """
import json, time
def handle(event, context):
    path = event["rawPath"]
    if path.endswith("/fails"):
        raise ValueError("a secret")
    if path.endswith("/slow"):
        time.sleep(2)
    cookies = ["a=1; HttpOnly", "b=2"]
    headers = {"x-mine": "yes", "Access-Control-Allow-Origin": "https://evil.example"}
    return {"statusCode": 200, "headers": headers, "cookies": cookies, "body": json.dumps(event)}
"""

AUTHORIZER = """
def handle(event, context):
    key = event["headers"].get("x-key") or (event.get("queryStringParameters") or {}).get("key")
    if not key:
        raise Exception("Unauthorized")
    if key == "broken":
        return {"principalId": "k"}
    effect, action = ("Deny" if key == "bad" else "Allow"), ("s3:*" if key == "other" else "execute-api:Invoke")
    statement = {"Effect": effect, "Action": action, "Resource": event["routeArn"]}
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    return {"principalId": key, "policyDocument": policy, "context": {"name": key, "list": [1]}}
"""

SOURCES = {"Echo": ECHO, "Closed": ECHO, "Authorizer": AUTHORIZER}

TEMPLATE = """
Transform: AWS::Serverless-2016-10-31
Resources:
  Pool:
    Type: AWS::Cognito::UserPool
    Properties: {UserPoolName: p}
  Client:
    Type: AWS::Cognito::UserPoolClient
    Properties: {UserPoolId: !Ref Pool, ExplicitAuthFlows: [ALLOW_USER_PASSWORD_AUTH, ALLOW_REFRESH_TOKEN_AUTH]}
  Api:
    Type: AWS::Serverless::HttpApi
    Properties:
      CorsConfiguration:
        AllowOrigins: ['https://app.example']
        AllowMethods: [GET]
        AllowHeaders: [x-key]
        AllowCredentials: true
        MaxAge: 600
      AccessLogSettings:
        DestinationArn: !GetAtt AccessLog.Arn
        Format: '{"route": "$context.routeKey", "status": "$context.status", "error": "$context.error.message",
          "authorizer": "$context.authorizer.error", "agent": "$context.identity.userAgent"}'
      Auth:
        Authorizers:
          Users:
            IdentitySource: $request.header.Authorization
            JwtConfiguration:
              issuer: !Sub https://cognito-idp.${AWS::Region}.amazonaws.com/${Pool}
              audience: [!Ref Client]
          Keys:
            FunctionArn: !GetAtt Authorizer.Arn
            AuthorizerPayloadFormatVersion: '2.0'
            EnableFunctionDefaultPermissions: true
  Bare:
    Type: AWS::Serverless::HttpApi
    Properties:
      StageName: v1
      StageVariables: {color: blue}
  Narrow:
    Type: AWS::Serverless::HttpApi
    Properties:
      DefaultRouteSettings: {ThrottlingRateLimit: 5, ThrottlingBurstLimit: 10}
  AccessLog:
    Type: AWS::Logs::LogGroup
  Role:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument:
        Statement: [{Effect: Allow, Principal: {Service: lambda.amazonaws.com}, Action: sts:AssumeRole}]
  Authorizer:
    Type: AWS::Serverless::Function
    Properties: {Handler: index.handle, Runtime: python3.11, Role: !GetAtt Role.Arn, InlineCode: %(Authorizer)s}
  Closed:
    Type: AWS::Serverless::Function
    Properties:
      Handler: index.handle
      Runtime: python3.11
      Role: !GetAtt Role.Arn
      InlineCode: %(Closed)s
  Plain:
    Type: AWS::ApiGatewayV2::Api
    Properties: {Name: plain, ProtocolType: HTTP}
  PlainStage:
    Type: AWS::ApiGatewayV2::Stage
    Properties: {ApiId: !Ref Plain, StageName: $default, AutoDeploy: true}
  PlainIntegration:
    Type: AWS::ApiGatewayV2::Integration
    Properties:
      ApiId: !Ref Plain
      IntegrationType: AWS_PROXY
      IntegrationUri: !GetAtt Closed.Arn
      PayloadFormatVersion: '2.0'
  PlainRoute:
    Type: AWS::ApiGatewayV2::Route
    Properties: {ApiId: !Ref Plain, RouteKey: GET /closed, Target: !Sub 'integrations/${PlainIntegration}'}
  Echo:
    Type: AWS::Serverless::Function
    Properties:
      Handler: index.handle
      Runtime: python3.11
      Role: !GetAtt Role.Arn
      InlineCode: %(Echo)s
      Events:
        Open: {Type: HttpApi, Properties: {ApiId: !Ref Api, Path: /open, Method: ANY}}
        Named: {Type: HttpApi, Properties: {ApiId: !Ref Api, Path: '/rooms/{id}', Method: GET}}
        Fails: {Type: HttpApi, Properties: {ApiId: !Ref Api, Path: /fails, Method: GET}}
        Slow: {Type: HttpApi, Properties: {ApiId: !Ref Api, Path: /slow, Method: GET, TimeoutInMillis: 100}}
        User: {Type: HttpApi, Properties: {ApiId: !Ref Api, Path: /user, Method: GET, Auth: {Authorizer: Users}}}
        Scoped:
          Type: HttpApi
          Properties:
            {ApiId: !Ref Api, Path: /scoped, Method: GET, Auth: {Authorizer: Users, AuthorizationScopes: [shop/write]}}
        Key: {Type: HttpApi, Properties: {ApiId: !Ref Api, Path: /key, Method: GET, Auth: {Authorizer: Keys}}}
        Staged: {Type: HttpApi, Properties: {ApiId: !Ref Bare, Path: /open, Method: GET}}
        Narrowed: {Type: HttpApi, Properties: {ApiId: !Ref Narrow, Path: /open, Method: GET}}
Outputs:
  Api: {Value: !Ref Api}
  Bare: {Value: !Ref Bare}
  Plain: {Value: !Ref Plain}
  Narrow: {Value: !Ref Narrow}
  AccessLog: {Value: !Ref AccessLog}
  Pool: {Value: !Ref Pool}
  Client: {Value: !Ref Client}
"""


class Workers(http.server.BaseHTTPRequestHandler):
    """A server on the invocation socket that runs the code of the function that is named."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """Run one invocation."""
        event = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        name = unquote(self.path).split("/")[3].rpartition(":")[2]
        source = next(source for logical_id, source in SOURCES.items() if f"-{logical_id}-" in name)
        scope: dict[str, Any] = {}
        exec(source, scope)  # noqa: S102 - the functions of this test
        failed = False
        try:
            answer = scope["handle"](event, None)
        except Exception as error:  # noqa: BLE001 - as Lambda shapes it
            answer, failed = {"errorMessage": str(error), "errorType": type(error).__name__}, True
        body = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        if failed:
            self.send_header("X-Amz-Function-Error", "Unhandled")
        self.end_headers()
        self.wfile.write(body)

    def address_string(self) -> str:
        """There is no address on an AF_UNIX socket."""
        return "unix"

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name of the overridden method
        """Say nothing."""


class Api:
    """The APIs of the template on a server, and a user of their pool."""

    def __init__(self, server: Server) -> None:
        quoted = {name: json.dumps(source) for name, source in SOURCES.items()}
        self.outputs = server.deploy("http", TEMPLATE % quoted)
        self._server = server
        self._http = urllib3.PoolManager(retries=False)

    def ask(self, method: str, path: str, *, api: str = "Api", body: bytes | None = None, **headers: str) -> Any:
        """A response of one of the APIs."""
        url = f"{self._server.endpoint}/_aws/execute-api/{self.outputs[api]}{path}"
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self._http.request(method, url, body=body, headers=named)

    def event(self, method: str, path: str, **more: Any) -> dict[str, Any]:
        """The event that the echo function got."""
        answer = self.ask(method, path, **more)
        assert answer.status == 200, answer.data
        event: dict[str, Any] = answer.json()
        return event

    def tokens(self, name: str) -> dict[str, str]:
        """The tokens of a new user."""
        cognito = self._server.client("cognito-idp")
        pool, client = self.outputs["Pool"], self.outputs["Client"]
        cognito.admin_create_user(UserPoolId=pool, Username=name, MessageAction="SUPPRESS")
        cognito.admin_set_user_password(UserPoolId=pool, Username=name, Password="Correct-horse-1", Permanent=True)
        parameters = {"USERNAME": name, "PASSWORD": "Correct-horse-1"}
        answer = cognito.initiate_auth(ClientId=client, AuthFlow="USER_PASSWORD_AUTH", AuthParameters=parameters)
        tokens: dict[str, str] = answer["AuthenticationResult"]
        return tokens


@contextlib.contextmanager
def _workers() -> Iterator[str]:
    with tempfile.TemporaryDirectory() as directory:
        path = str(Path(directory) / "invoke")
        with socketserver.ThreadingUnixStreamServer(path, Workers) as workers:
            thread = threading.Thread(target=workers.serve_forever, args=(0.05,))
            thread.start()
            try:
                yield path
            finally:
                workers.shutdown()
                thread.join()


@pytest.fixture(scope="module")
def mended(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A mended server with workers behind its invocation socket."""
    with (
        _workers() as path,
        running(tmp_path_factory.mktemp("http"), mended=True, environment={"HEADWATER_INVOKE": path}) as server,
    ):
        yield server


@pytest.fixture(scope="module")
def deployed() -> dict[int, Api]:
    """The APIs by the port of their server."""
    return {}


@pytest.fixture
def api(server: Server, deployed: dict[int, Api]) -> Api:
    """The deployed template."""
    if server.port not in deployed:
        deployed[server.port] = Api(server)
    return deployed[server.port]


@contract
def test_the_routes_of_a_definition_answer(api: Api) -> None:
    assert api.ask("GET", "/open").status == 200
    assert api.ask("PATCH", "/open").status == 200
    assert api.event("GET", "/rooms/lobby")["pathParameters"] == {"id": "lobby"}
    assert api.ask("GET", "/nothing").status == 404


@contract
def test_cookies_are_apart_and_what_is_absent_is_left_out(api: Api) -> None:
    event = api.event("POST", "/open?a=1&a=2", body=b'{"x": 1}', cookie="s=1; t=2", content_type="application/json")
    assert event["cookies"] == ["s=1", "t=2"]
    assert "cookie" not in event["headers"]
    assert not {"pathParameters", "stageVariables"} & event.keys()
    assert (event["version"], event["routeKey"], event["rawPath"]) == ("2.0", "ANY /open", "/open")
    assert event["queryStringParameters"] == {"a": "1,2"}
    assert (event["body"], event["isBase64Encoded"]) == ('{"x": 1}', False)
    assert event["requestContext"]["stage"] == "$default"
    assert event["requestContext"]["domainPrefix"] == api.outputs["Api"]
    assert abs(event["requestContext"]["timeEpoch"] / 1000 - time.time()) < 60
    assert "body" not in api.event("GET", "/open")


@contract
def test_a_named_stage_is_in_the_path_with_its_variables(api: Api) -> None:
    event = api.event("GET", "/v1/open", api="Bare")
    assert (event["rawPath"], event["requestContext"]["http"]["path"]) == ("/v1/open", "/v1/open")
    assert event["stageVariables"] == {"color": "blue"}


@contract
def test_cookies_are_set_one_by_one_and_cors_is_the_apis_own(api: Api) -> None:
    answer = api.ask("GET", "/open", origin="https://app.example")
    assert answer.headers.getlist("set-cookie") == ["a=1; HttpOnly", "b=2"]
    assert answer.headers["access-control-allow-origin"] == "https://app.example"
    assert answer.headers["access-control-allow-credentials"] == "true"
    foreign = api.ask("GET", "/open", origin="https://evil.example")
    assert (foreign.status, foreign.headers.get("access-control-allow-origin")) == (200, None)
    preflight = api.ask("OPTIONS", "/open", origin="https://app.example", access_control_request_method="GET")
    assert (preflight.status, preflight.headers["access-control-allow-methods"]) == (204, "GET")
    assert preflight.headers["access-control-max-age"] == "600"
    assert api.ask("OPTIONS", "/v1/open", api="Bare", origin="https://app.example").status == 404


@contract
def test_a_failing_function_is_500_and_keeps_its_reason(api: Api) -> None:
    answer = api.ask("GET", "/fails")
    assert (answer.status, answer.json()) == (500, {"message": "Internal Server Error"})


@contract
def test_a_slow_function_is_503_in_time(api: Api) -> None:
    began = time.monotonic()
    answer = api.ask("GET", "/slow")
    assert (answer.status, answer.json()) == (503, {"message": "Service Unavailable"})
    assert time.monotonic() - began < 1.5


@contract
def test_a_function_is_invoked_by_permission_only(api: Api) -> None:
    answer = api.ask("GET", "/closed", api="Plain")
    assert (answer.status, answer.json()) == (500, {"message": "Internal Server Error"})
    assert api.ask("GET", "/v1/open", api="Bare").status == 200


@contract
def test_10_mb_are_the_most(api: Api) -> None:
    answer = api.ask("POST", "/open", body=bytes(10 * 1024 * 1024 + 1))
    assert (answer.status, answer.json()) == (413, {"message": "Request Entity Too Large"})


@contract
def test_each_request_has_a_line_in_the_access_log(api: Api, server: Server) -> None:
    name = api.outputs["AccessLog"].strip("/").replace("/", "-")
    file = server.state.parent / "logs" / f"{name}.log"
    before = file.read_text() if file.exists() else ""
    api.ask("GET", "/open", user_agent='x"\xe9 {"status": "200"}')
    api.ask("GET", "/key")
    api.ask("GET", "/key", x_key="bad")
    api.ask("GET", "/user", authorization="x")
    api.ask("GET", "/nothing")
    api.ask("GET", "/fails")
    lines = [json.loads(each) for each in file.read_text().removeprefix(before).split("\n") if each]
    assert [tuple(each.values())[:4] for each in lines] == [
        ("ANY /open", "200", "-", "-"),
        ("GET /key", "401", "Unauthorized", "Unauthorized"),
        ("GET /key", "403", "Forbidden", "-"),
        ("GET /user", "401", "Unauthorized", "-"),
        ("-", "404", "Not Found", "-"),
        ("GET /fails", "500", "-", "-"),
    ]
    assert lines[0]["agent"].startswith('x"')


@contract
def test_a_stage_answers_so_many_requests_and_no_more(api: Api) -> None:
    statuses = [api.ask("GET", "/open", api="Narrow").status for _ in range(40)]
    assert statuses[:10] == [200] * 10
    assert statuses.count(429) > 10
    assert api.ask("GET", "/open", api="Narrow").json() == {"message": "Too Many Requests"}
    wait_until(lambda: api.ask("GET", "/open", api="Narrow").status == 200, "tokens grow back")
    assert api.ask("GET", "/v1/open", api="Bare").status == 200


@contract
def test_an_authorizer_allows_denies_and_passes_its_context_on(api: Api) -> None:
    for asked in (api.event("GET", "/key", x_key="good"), api.event("GET", "/key?key=good")):
        assert asked["requestContext"]["authorizer"]["lambda"].items() >= {"name": "good", "list": [1]}.items()
    denied, missing = api.ask("GET", "/key", x_key="bad"), api.ask("GET", "/key")
    assert (denied.status, denied.json()) == (403, {"message": "Forbidden"})
    assert (missing.status, missing.json()) == (401, {"message": "Unauthorized"})
    assert api.ask("GET", "/key", x_key="other").status == 403
    assert api.ask("GET", "/key", x_key="broken").status == 500


@contract
def test_a_jwt_is_of_the_pool_and_the_client_and_its_claims_are_passed_on(api: Api) -> None:
    tokens = api.tokens("ann")
    for name in ("IdToken", "AccessToken"):
        claims = jwt.decode(tokens[name], options={"verify_signature": False})
        passed = api.event("GET", "/user", authorization=f"Bearer {tokens[name]}")["requestContext"]["authorizer"]
        assert passed["jwt"]["claims"]["sub"] == claims["sub"]
        assert passed["jwt"]["claims"]["exp"] == str(claims["exp"])
    assert api.ask("GET", "/user").json() == {"message": "Unauthorized"}
    token = tokens["IdToken"]
    head, middle, signature = token.split(".")
    unsigned = base64.urlsafe_b64encode(b'{"alg": "none"}').decode().rstrip("=")
    list_header = base64.urlsafe_b64encode(b"[]").decode().rstrip("=")
    for wrong in (
        f"{head}.{middle}.", f"{head}.{middle}", f"{unsigned}.{middle}.{signature}", token[:-8], "x", "",
        f"{list_header}.{middle}.{signature}", tokens["RefreshToken"],
    ):  # fmt: skip
        answer = api.ask("GET", "/user", authorization=f"Bearer {wrong}")
        assert (answer.status, answer.json()) == (401, {"message": "Unauthorized"})
    scoped = api.ask("GET", "/scoped", authorization=f"Bearer {tokens['AccessToken']}")
    assert (scoped.status, scoped.json()) == (403, {"message": "Forbidden"})


@contract
def test_an_api_outlives_a_restart(api: Api, server: Server) -> None:
    if server.mended:
        server.save()
    server.stop()
    server.start()
    assert api.ask("GET", "/open").status == 200
    assert api.ask("GET", "/key", x_key="bad").status == 403
    assert api.ask("GET", "/key", x_key="good").status == 200
