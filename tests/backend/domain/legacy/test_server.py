"""Exchanges with a legacy system over loopback: over in time, and never more than was asked."""

from __future__ import annotations

import socket
import time
from http.server import BaseHTTPRequestHandler

import pytest

from domain.legacy import settings
from domain.legacy.errors import LegacyError
from domain.legacy.server import LARGEST_ANSWER_BYTES, LegacyServer, Question, Reply
from domain.legacy.settings import BaseUrl
from tests.legacy_system import LegacySystem


def at(url: str) -> BaseUrl:
    found = settings.base_url(url)
    assert found is not None
    return found


def ask(
    server: LegacyServer, system: LegacySystem, target: str, method: str = "GET", body: bytes = b"", seconds: float = 5
) -> Reply:
    return server.ask(at(system.url), Question(method, target, {"accept": "x/y", "x-umlaut": "ü✓"}, body), seconds)


def raw(data: bytes, *, then_wait: bool = False) -> object:
    """A behaviour that writes these bytes and hangs up, or says nothing more."""

    def behave(handler: BaseHTTPRequestHandler, body: bytes) -> None:
        del body
        handler.close_connection = True
        handler.wfile.write(data)
        handler.wfile.flush()
        if then_wait:
            handler.rfile.read(1)  # until the other side hangs up

    return behave


def test_a_question_arrives_as_it_was_asked(server: LegacyServer, system: LegacySystem) -> None:
    body = bytes(range(256))
    reply = ask(server, system, "/a%20b?c=d&c=e", "POST", body)
    assert reply.status == 200
    assert (system.last.method, system.last.target, system.last.body) == ("POST", "/a%20b?c=d&c=e", body)
    assert system.last.header("host") == f"127.0.0.1:{system.port}"
    assert system.last.header("content-length") == "256"
    assert system.last.header("accept") == "x/y"
    assert system.last.headers.keys() == {"host", "accept", "x-umlaut", "content-length"}


def test_an_answer_arrives_as_it_was_said(server: LegacyServer, system: LegacySystem) -> None:
    body = bytes(range(256))
    system.answers("/x", 418, body, (("Set-Cookie", "a=1"), ("Set-Cookie", "b=2"), ("X-Own", "z")))
    reply = ask(server, system, "/x")
    assert (reply.status, reply.body) == (418, body)
    assert [value for name, value in reply.headers if name == "Set-Cookie"] == ["a=1", "b=2"]
    assert ask(server, system, "/x", "HEAD").body == b""


def test_a_redirect_is_passed_on_and_not_followed(server: LegacyServer, system: LegacySystem) -> None:
    system.answers("/x", 302, headers=(("Location", "/y"),))
    assert ask(server, system, "/x").header("location") == "/y"
    assert len(system.asked) == 1


def test_a_connection_is_kept_and_left_when_it_is_over(server: LegacyServer, system: LegacySystem) -> None:
    for _ in range(3):
        ask(server, system, "/x")
    assert system.connections == 1

    def close(handler: BaseHTTPRequestHandler, body: bytes) -> None:
        del body
        handler.close_connection = True
        handler.send_response(204)
        handler.end_headers()  # without saying that it hangs up

    system.behaviours["/close"] = close
    for method in ("GET", "POST"):
        assert ask(server, system, "/close").status == 204
        assert ask(server, system, "/x", method).status == 200


def test_a_read_is_asked_again_when_the_kept_connection_ends_under_it_and_a_write_is_not(
    server: LegacyServer, system: LegacySystem
) -> None:
    def hang_up(handler: BaseHTTPRequestHandler, body: bytes) -> None:
        del body
        handler.close_connection = True

    system.behaviours["/hang"] = hang_up
    for method, times in (("GET", 2), ("POST", 1)):
        ask(server, system, "/x")
        before = len(system.asked)
        with pytest.raises(LegacyError) as failed:
            ask(server, system, "/hang", method)
        assert (failed.value.status, len(system.asked) - before) == (502, times)


@pytest.mark.parametrize(
    "data",
    [b"", b"HTTP/1.1 200 OK\r\nX: ", b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc"],
    ids=["nothing", "half a head", "half a body"],
)
def test_who_stops_in_the_middle_of_saying_is_given_up(server: LegacyServer, system: LegacySystem, data: bytes) -> None:
    system.behaviours["/x"] = raw(data, then_wait=True)  # type: ignore[assignment]
    began = time.monotonic()
    with pytest.raises(LegacyError) as failed:
        ask(server, system, "/x", seconds=0.3)
    assert (failed.value.status, failed.value.type) == (504, "LegacyTimeout")
    assert time.monotonic() - began < 2
    assert ask(server, system, "/y").status == 200  # the next one is none of it


@pytest.mark.parametrize("head", [b"HTTP/1.1 200 OK\r\nX: ", b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"])
def test_who_says_a_byte_now_and_then_is_given_up_too(server: LegacyServer, system: LegacySystem, head: bytes) -> None:
    """Each byte would begin a socket's time anew."""

    def drip(handler: BaseHTTPRequestHandler, body: bytes) -> None:
        del body
        handler.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        handler.wfile.write(head)
        handler.connection.settimeout(0.05)
        while True:  # until the other side hangs up
            try:
                handler.wfile.write(b"x")
                if handler.connection.recv(1) == b"":
                    return
            except TimeoutError:
                continue

    system.behaviours["/x"] = drip
    began = time.monotonic()
    with pytest.raises(LegacyError) as failed:
        ask(server, system, "/x", seconds=0.3)
    assert failed.value.status == 504
    assert time.monotonic() - began < 2


@pytest.mark.parametrize(
    "data",
    [b"", b"SSH-2.0-x\r\n", b"HTTP/1.1 abc\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc",
     b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", b"HTTP/1.1 101 Switching\r\n\r\n",
     b"HTTP/1.1 200 OK\r\n" + b"X: " + b"a" * 70_000 + b"\r\n\r\n",
     b"HTTP/1.1 200 OK\r\n" + b"X: a\r\n" * 200 + b"\r\n"],
    ids=["nothing", "another protocol", "no status", "cut", "no chunk", "switch", "a long header", "many headers"],
)  # fmt: skip
def test_what_is_no_answer_is_told_as_one_that_failed(server: LegacyServer, system: LegacySystem, data: bytes) -> None:
    system.behaviours["/x"] = raw(data)  # type: ignore[assignment]
    with pytest.raises(LegacyError) as failed:
        ask(server, system, "/x")
    assert (failed.value.status, failed.value.type) == (502, "LegacyUnreachable")


def test_nobody_there_is_told(server: LegacyServer) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(LegacyError, match="refuses connections") as failed:
        server.ask(at(f"http://127.0.0.1:{port}"), Question("GET", "/", {}, b""), 5)
    assert failed.value.status == 502


def test_tls_is_spoken_and_checked(server: LegacyServer, system: LegacySystem) -> None:
    with pytest.raises(LegacyError, match="TLS") as failed:
        server.ask(at(f"https://127.0.0.1:{system.port}"), Question("GET", "/", {}, b""), 5)
    assert failed.value.status == 502


def test_more_than_an_answer_may_have_is_not_read(server: LegacyServer, system: LegacySystem) -> None:
    announced = f"HTTP/1.1 200 OK\r\nContent-Length: {LARGEST_ANSWER_BYTES + 1}\r\n\r\n".encode()
    endless = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + b"a" * (LARGEST_ANSWER_BYTES + 1)
    for data in (announced, endless):
        system.behaviours["/x"] = raw(data)  # type: ignore[assignment]
        with pytest.raises(LegacyError) as failed:
            ask(server, system, "/x")
        assert (failed.value.status, failed.value.type) == (502, "LegacyTooLarge")
