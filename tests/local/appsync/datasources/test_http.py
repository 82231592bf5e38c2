"""The HTTP data source against a real HTTP server."""

from __future__ import annotations

import asyncio
import gzip
import json
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.appsync.auth import sigv4
from local.appsync.auth.credentials import Credentials
from local.appsync.datasources import DataSourceError
from local.appsync.datasources.http import ANSWER_SECONDS, Address, HttpDataSource, Signing
from tests.local.appsync.datasources.contexts import context


@dataclass
class Received:
    method: str
    path: str
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key.lower() == name), None)


@dataclass
class Server:
    """What came in, and what goes out for a path; `released` ends answers that hang."""

    received: list[Received] = field(default_factory=list)
    answers: dict[str, tuple[int, list[tuple[str, str]], bytes]] = field(default_factory=dict)
    released: threading.Event = field(default_factory=threading.Event)
    url: str = ""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    state: Server

    def answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        self.state.received.append(Received(self.command, self.path, self.headers.items(), body))
        if self.path == "/hang":
            self.state.released.wait(20)
        if self.path == "/cut":
            self.close_connection = True
            return
        status, headers, content = self.state.answers.get(self.path, (200, [], b"ok"))
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.path == "/stall":
            self.wfile.write(content[:1])
            self.wfile.flush()
            self.state.released.wait(20)
        try:
            self.wfile.write(content)
        except OSError:  # the client has gone
            self.close_connection = True

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer  # noqa: N815 - http.server's names

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
        """Silent."""


@pytest.fixture
def server() -> Iterator[Server]:
    state = Server()
    handler = type("BoundHandler", (Handler,), {"state": state})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as http:
        http.daemon_threads = True
        http.block_on_close = False
        state.url = f"http://127.0.0.1:{http.server_port}"
        thread = threading.Thread(target=http.serve_forever, args=(0.01,))
        thread.start()
        yield state
        state.released.set()
        http.shutdown()
        thread.join()


def source(server: Server, **more: Any) -> HttpDataSource:
    return HttpDataSource(Address(server.url), **more)


async def call(server: Server, request: Any, **more: Any) -> Any:
    return await source(server, **more).call(request, context())


async def failure(http: HttpDataSource, request: Any) -> DataSourceError:
    with pytest.raises(DataSourceError) as error:
        await http.call(request, context())
    return error.value


def get(path: str = "/", **params: Any) -> dict[str, Any]:
    return {"method": "GET", "resourcePath": path, "params": params}


def post(body: Any, **headers: str) -> dict[str, Any]:
    return {"method": "POST", "resourcePath": "/", "params": {"headers": headers, "body": body}}


class TestRequests:
    @pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
    async def test_every_method_is_sent(self, server: Server, method: str) -> None:
        await call(server, {"version": "2018-05-29", "method": method, "resourcePath": "/v1/users"})
        assert [(r.method, r.path) for r in server.received] == [(method, "/v1/users")]

    async def test_query_parameters_are_encoded(self, server: Server) -> None:
        await call(server, get("/a", query={"q": "a b&ü/", "n": 1, "b": True, "list": ["x", "y"], "none": None}))
        assert server.received[0].path == "/a?q=a%20b%26%C3%BC%2F&n=1&b=true&list=x&list=y"

    async def test_query_parameters_follow_those_of_the_path(self, server: Server) -> None:
        await call(server, get("/a?x=1", query={"y": "2"}))
        assert server.received[0].path == "/a?x=1&y=2"

    async def test_a_path_is_made_fit_for_the_wire(self, server: Server) -> None:
        await call(server, get("/a b/ü"))
        assert server.received[0].path == "/a%20b/%C3%BC"

    async def test_headers_are_sent(self, server: Server) -> None:
        await call(
            server, get(headers={"X-One": "1", "X-Two": ["a", "b"], "X-None": None, "Authorization": "Bearer t"})
        )
        [received] = server.received
        assert received.header("x-one") == "1"
        assert [value for name, value in received.headers if name == "X-Two"] == ["a", "b"]
        assert received.header("x-none") is None
        assert received.header("authorization") == "Bearer t"

    async def test_headers_that_cannot_be_set_are_left_out(self, server: Server) -> None:
        forbidden = {
            "HOST": "evil",
            "Connection": "close",
            "User-Agent": "mine",
            "Expect": "100-continue",
            "Transfer-Encoding": "chunked",
            "Content-Length": "99",
        }
        await call(server, {"method": "POST", "resourcePath": "/", "params": {"headers": forbidden, "body": "b"}})
        [received] = server.received
        assert received.header("host") == server.url.removeprefix("http://")
        assert received.header("content-length") == "1"
        assert received.header("user-agent") != "mine"
        assert received.header("expect") is None
        assert received.header("transfer-encoding") is None

    async def test_a_text_body_is_sent_as_it_is(self, server: Server) -> None:
        await call(server, post("Action=SendMessage&x=ü", **{"Content-Type": "application/x-www-form-urlencoded"}))
        [received] = server.received
        assert received.body.decode() == "Action=SendMessage&x=ü"
        assert received.header("content-type") == "application/x-www-form-urlencoded"

    @pytest.mark.parametrize("body", [{"a": [1, None, "ü"]}, [1, 2]])
    async def test_other_bodies_are_sent_as_json(self, server: Server, body: Any) -> None:
        await call(server, post(body))
        await call(server, post(body, **{"content-type": "application/x-amz-json-1.1"}))
        assert [json.loads(received.body) for received in server.received] == [body, body]
        types = [received.header("content-type") for received in server.received]
        assert types == ["application/json", "application/x-amz-json-1.1"]

    async def test_the_content_type_says_the_charset(self, server: Server) -> None:
        await call(server, post("ü", **{"Content-Type": "text/plain; charset=ISO-8859-1"}))
        assert server.received[0].body == b"\xfc"

    @pytest.mark.parametrize(
        ("request_object", "message"),
        [
            (None, "Value for field '$[method]' not found."),
            ({"method": "GET"}, "Value for field '$[resourcePath]' not found."),
            ({"method": "HEAD", "resourcePath": "/"}, "Unsupported HTTP method 'HEAD'."),
            ({"method": 1, "resourcePath": "/"}, "Unable to convert 1 to String."),
            (
                {"method": "GET", "resourcePath": "users"},
                "Value 'users' for field '$[resourcePath]' does not start with",
            ),
            ({"method": "GET", "resourcePath": "/", "params": "x"}, "Unable to convert x to Object."),
            (get(headers=[]), "Unable to convert [] to Object."),
            (get(query={"q": {}}), "Value for field '$[params][query][q]' is no string."),
            (get(headers={"X-A": "a\r\nX-B: b"}), "Value for field '$[params][headers][X-A]' is no header."),
            (get(headers={"X A": "a"}), "Value for field '$[params][headers][X A]' is no header."),
        ],
        ids=str,
    )
    async def test_what_is_no_request_is_rejected(self, server: Server, request_object: Any, message: str) -> None:
        error = await failure(source(server), request_object)
        assert error.message.startswith(message)
        assert error.type == "MappingTemplate"
        assert error.request_rejected
        assert not server.received


class TestResults:
    async def test_status_headers_and_the_body_as_text(self, server: Server) -> None:
        headers = [("Content-Type", "application/json"), ("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")]
        server.answers["/"] = (201, headers, b'{"a":"\xc3\xbc"}')
        result = await call(server, get())
        assert result["statusCode"] == 201
        assert result["body"] == '{"a":"ü"}'
        assert result["headers"]["Content-Type"] == "application/json"
        assert result["headers"]["Set-Cookie"] == ["a=1", "b=2"]
        assert json.loads(json.dumps(result)) == result

    @pytest.mark.parametrize("status", [400, 404, 500, 503])
    async def test_a_status_is_no_error(self, server: Server, status: int) -> None:
        server.answers["/"] = (status, [], b"no")
        result = await call(server, get())
        assert (result["statusCode"], result["body"]) == (status, "no")
        assert len(server.received) == 1

    async def test_redirects_are_not_followed(self, server: Server) -> None:
        server.answers["/"] = (302, [("Location", "/other")], b"")
        result = await call(server, get())
        assert (result["statusCode"], result["headers"]["Location"]) == (302, "/other")
        assert [received.path for received in server.received] == ["/"]

    async def test_no_content_is_an_empty_body(self, server: Server) -> None:
        server.answers["/"] = (204, [], b"")
        assert (await call(server, get()))["body"] == ""

    async def test_the_charset_of_the_answer_counts(self, server: Server) -> None:
        server.answers["/"] = (200, [("Content-Type", "text/html; charset=latin-1")], b"\xfc")
        server.answers["/bytes"] = (200, [("Content-Type", "image/png")], b"\x89PNG\xff")
        assert (await call(server, get()))["body"] == "ü"
        assert (await call(server, get("/bytes")))["body"] == "\ufffdPNG\ufffd"

    async def test_a_compressed_answer_is_text_too(self, server: Server) -> None:
        server.answers["/"] = (200, [("Content-Encoding", "gzip")], gzip.compress(b"hello"))
        assert (await call(server, get()))["body"] == "hello"


async def test_the_time_is_over_before_the_requests_so_that_a_handler_is_told(server: Server) -> None:
    asked = context()
    asked.deadline = asyncio.get_running_loop().time() + ANSWER_SECONDS + 0.1
    with pytest.raises(DataSourceError) as failed:
        await source(server).call(get("/hang"), asked)
    assert failed.value.type == "Http:ExecutionTimeoutException"
    assert asyncio.get_running_loop().time() < asked.deadline


class TestFailures:
    @pytest.mark.parametrize("path", ["/hang", "/stall"])
    async def test_an_answer_that_does_not_come_in_time(self, server: Server, path: str) -> None:
        server.answers["/stall"] = (200, [], b"ok")
        error = await failure(source(server, timeout_seconds=0.2), get(path))
        assert (error.message, error.type) == ("Execution timed out.", "Http:ExecutionTimeoutException")
        assert not error.request_rejected

    async def test_nobody_listens(self) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            url = f"http://127.0.0.1:{free.getsockname()[1]}"
        error = await failure(HttpDataSource(Address(url)), get())
        assert error.type == "Http:HttpRequestException"
        assert error.message.startswith(f"Unable to execute HTTP request to {url.removeprefix('http://')}: ")
        assert "refused" in error.message

    async def test_a_connection_that_is_cut(self, server: Server) -> None:
        error = await failure(source(server), get("/cut"))
        assert error.type == "Http:HttpRequestException"
        assert len(server.received) == 1  # and not tried again

    async def test_a_certificate_that_nobody_trusts_or_no_tls_at_all(self, server: Server) -> None:
        error = await failure(HttpDataSource(Address(server.url.replace("http:", "https:"))), get())
        assert error.type == "Http:HttpRequestException"

    async def test_an_answer_that_is_too_large(self, server: Server) -> None:
        server.answers["/"] = (200, [], b"x" * 1001)
        error = await failure(source(server, max_response_bytes=1000), get())
        assert error.message == "The response is larger than 1000 bytes."
        server.answers["/"] = (200, [("Content-Encoding", "gzip")], gzip.compress(b"x" * 100_000))
        assert "larger" in (await failure(source(server, max_response_bytes=1000), get())).message

    async def test_the_event_loop_goes_on_meanwhile(self, server: Server) -> None:
        hanging = asyncio.ensure_future(call(server, get("/hang")))
        assert (await call(server, get("/other")))["body"] == "ok"
        assert not hanging.done()
        server.released.set()
        assert (await hanging)["body"] == "ok"


@dataclass(frozen=True)
class RoleKeys:
    access_key_id: str = "ASIA"
    secret_access_key: str = "secret"
    session_token: str = "token"


class TestSigning:
    ROLE = "arn:aws:iam::000000000000:role/r"

    def signed(self, address: Address, asked: list[str]) -> HttpDataSource:
        async def credentials(role_arn: str) -> RoleKeys:
            asked.append(role_arn)
            return RoleKeys()

        return HttpDataSource(address, signing=Signing(self.ROLE, "us-east-1", "appsync"), credentials=credentials)

    @pytest.mark.parametrize("host", [None, "abc.appsync-api.us-east-1.amazonaws.com"])
    async def test_a_request_carries_a_signature_of_the_role(self, server: Server, host: str | None) -> None:
        asked: list[str] = []
        request = {
            "method": "POST",
            "resourcePath": "/a b",
            "params": {
                "query": {"z": "ü", "a": "1 2"},
                "headers": {"X-Amz-Target": "T", "X-L": ["1", "2"]},
                "body": {},
            },
        }
        await self.signed(Address(server.url, host), asked).call(request, context())

        [received] = server.received
        assert asked == [self.ROLE]
        assert received.header("x-amz-security-token") == "token"
        assert received.header("host") == host or server.url.removeprefix("http://")
        path, _, query = received.path.partition("?")
        headers: dict[str, str | list[str]] = {name.lower(): value for name, value in received.headers}
        credentials = Credentials(headers, received.method, (path,), query, received.body)
        signature = sigv4.parse(credentials, "us-east-1", datetime.now(UTC))
        sigv4.verify(signature, credentials, "secret")

    async def test_an_authorization_header_gives_way_to_the_signature(self, server: Server) -> None:
        await self.signed(Address(server.url), []).call(get(headers={"authorization": "mine"}), context())
        values = [value for name, value in server.received[0].headers if name.lower() == "authorization"]
        assert len(values) == 1
        assert values[0].startswith("AWS4-HMAC-SHA256 Credential=ASIA/")

    async def test_a_role_that_cannot_be_assumed(self, server: Server) -> None:
        async def refuse(_role_arn: str) -> RoleKeys:
            raise ClientError({"Error": {"Code": "AccessDenied", "Message": "not trusted"}}, "AssumeRole")

        http = source(server, signing=Signing(self.ROLE, "us-east-1", "states"), credentials=refuse)
        error = await failure(http, get())
        assert (error.message, error.type) == ("not trusted", "Http:AccessDenied")
        assert not server.received
