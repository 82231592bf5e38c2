"""Legacy and new side by side: who answers, who is told what, and that a shadow touches nobody."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from domain.caller import Caller, CallerKind, Scope
from domain.clock import SYSTEM
from domain.errors import InvalidInput, Unauthorized
from domain.legacy import settings
from domain.legacy.errors import LegacyError
from domain.legacy.server import LegacyServer
from domain.legacy.strangler import Strangler
from tests.http_event import event
from tests.legacy_system import LegacySystem

ANN = Caller(CallerKind.USER, "sub-ann", "ann", frozenset({"sellers"}), issued_at=1)
Ours = Callable[[Mapping[str, Any]], dict[str, Any]]


def echo(given: Mapping[str, Any]) -> dict[str, Any]:
    """Our own route: it tells which it is."""
    body = json.dumps({"path": given["rawPath"], "route": given["requestContext"]["http"]["path"]})
    return {"statusCode": 200, "headers": {"Content-Type": "application/json"}, "body": body}


class Side:
    """A strangler in front of a legacy system, with what it counts."""

    def __init__(self, system: LegacySystem | None, server: LegacyServer, ours: Ours = echo, **table: Any) -> None:
        self.counts: Counter[str] = Counter()
        self.secret: bytes | None = None
        base = system.url if system else ""
        known = settings.parse(json.dumps({"baseUrl": base, **table}), None)
        self.strangler = Strangler(
            lambda: known, server, ours, lambda: self.secret,
            lambda name, number: self.counts.update({name: number}), SYSTEM,
        )  # fmt: skip

    def ask(self, path: str, method: str = "GET", caller: Caller = ANN, seconds: float = 10, **more: Any) -> Any:
        return self.strangler.answer(event(path, method, **more), caller, "/legacy", seconds)


def test_the_table_says_who_answers(system: LegacySystem, server: LegacyServer) -> None:
    side = Side(system, server, routes=[{"path": "/products", "methods": ["GET"], "to": "new"}])
    ours = side.ask("/legacy/products")
    assert json.loads(ours["body"]) == {"path": "/products", "route": "/products"}
    assert system.asked == []
    side.ask("/legacy/products", "POST")
    theirs = side.ask("/legacy/orders/7", rawQueryString="a=b")
    assert json.loads(theirs["body"])["target"] == "/orders/7?a=b"
    assert side.counts == {"New": 1, "Legacy": 2}


def test_who_calls_is_told_and_cannot_be_forged(system: LegacySystem, server: LegacyServer) -> None:
    side = Side(system, server)
    forged = {"x-headwater-user": "root", "X-HEADWATER-GROUPS": "operators", "x_headwater_user": "root",
              "authorization": "Bearer eyJ", "x-forwarded-for": "1.1.1.1", "accept": "a/b"}  # fmt: skip
    side.ask("/legacy/x", headers=forged, cookies=["a=1", "__Host-session=refresh"])
    told = {name: values for name, values in system.last.headers.items() if name != "host"}
    assert told == {
        "accept": ["a/b"],
        "cookie": ["a=1"],
        "x-forwarded-for": ["203.0.113.9"],
        "x-forwarded-host": ["api.example.com"],
        "x-forwarded-prefix": ["/legacy"],
        "x-forwarded-proto": ["https"],
        "x-headwater-kind": ["user"],
        "x-headwater-user": ["sub-ann"],
        "x-headwater-name": ["ann"],
        "x-headwater-groups": ["sellers"],
    }


def test_a_token_is_passed_on_only_when_the_table_says_so(system: LegacySystem, server: LegacyServer) -> None:
    key = Caller(CallerKind.LAMBDA, "01J", "importer", scopes=frozenset({Scope.READ}))
    side = Side(system, server, sendAuthorization=True)
    side.ask("/legacy/x", headers={"authorization": "Bearer eyJ"})
    assert system.last.header("authorization") == "Bearer eyJ"
    side.ask("/legacy/x", headers={"authorization": "hwk_1_2"}, caller=key)
    assert system.last.header("authorization") is None


def test_a_signature_shows_that_it_came_through_here(system: LegacySystem, server: LegacyServer) -> None:
    side = Side(system, server)
    side.secret = b"known to both"
    side.ask("/legacy/a b", "POST", body="hello", rawQueryString="c=d", headers={"x-headwater-signature": "t=1,v1=0"})
    asked = system.last
    signature = asked.header("x-headwater-signature")
    assert signature
    at, _, given = signature.removeprefix("t=").partition(",v1=")
    assert abs(int(at) - time.time()) < 60
    lines = ["v1", at, "POST", "/a%20b?c=d", "x-headwater-groups:sellers", "x-headwater-kind:user",
             "x-headwater-name:ann", "x-headwater-user:sub-ann", hashlib.sha256(b"hello").hexdigest()]  # fmt: skip
    assert given == hmac.new(b"known to both", "\n".join(lines).encode(), hashlib.sha256).hexdigest()


def test_an_auth_key_does_what_it_is_for(system: LegacySystem, server: LegacyServer) -> None:
    side = Side(system, server)
    for scope, allowed in ((Scope.READ, {"GET", "HEAD"}), (Scope.WRITE, {"POST", "PUT", "PATCH", "DELETE"})):
        key = Caller(CallerKind.LAMBDA, "01J", "importer", scopes=frozenset({scope}))
        for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"):
            if method in allowed:
                assert side.ask("/legacy/x", method, key)["statusCode"] == 200
            else:
                with pytest.raises(Unauthorized):
                    side.ask("/legacy/x", method, key)


def test_without_a_legacy_system_it_is_said_what_to_set(server: LegacyServer) -> None:
    side = Side(None, server, routes=[{"path": "/products", "to": "new"}])
    with pytest.raises(LegacyError, match="LegacyBaseUrl") as failed:
        side.ask("/legacy/x")
    assert (failed.value.status, failed.value.type) == (503, "LegacyNotConfigured")
    assert side.ask("/legacy/products")["statusCode"] == 200


def test_a_way_out_reaches_neither_side(system: LegacySystem, server: LegacyServer) -> None:
    side = Side(system, server, routes=[{"path": "/a/**", "to": "new"}])
    for path in ("/legacy/a/../admin", "/legacy/%252e%252e/x"):
        with pytest.raises(InvalidInput):
            side.ask(path)
    assert (system.asked, side.counts) == ([], {})


def shadowing(system: LegacySystem, server: LegacyServer, ours: Ours = echo) -> Side:
    return Side(system, server, ours, routes=[{"path": "/p/*", "to": "shadow", "ignore": ["route"]}])


def test_a_shadow_compares_and_the_caller_gets_the_legacy_answer(system: LegacySystem, server: LegacyServer) -> None:
    side = shadowing(system, server)
    system.answers_json("/p/1", {"path": "/p/1", "route": "other"})
    assert json.loads(side.ask("/legacy/p/1")["body"])["route"] == "other"
    assert side.counts == {"Legacy": 1, "ShadowSame": 1}
    assert system.last.header("accept-encoding") == "identity"


def test_a_difference_is_counted_and_logged_without_what_it_says(
    system: LegacySystem, server: LegacyServer, caplog: pytest.LogCaptureFixture
) -> None:
    side = shadowing(system, server)
    system.answers_json("/p/ann-private", {"path": "of ann"})
    with caplog.at_level("WARNING", "headwater.legacy"):
        assert json.loads(side.ask("/legacy/p/ann-private")["body"]) == {"path": "of ann"}
    assert side.counts == {"Legacy": 1, "ShadowDifferent": 1}
    (line,) = caplog.messages
    assert line == "our answer to GET /p/* differs: path: another text"


@pytest.mark.parametrize("broken", ["raises", "says nonsense"])
def test_our_failure_does_not_touch_the_caller(system: LegacySystem, server: LegacyServer, broken: str) -> None:
    def ours(given: Mapping[str, Any]) -> dict[str, Any]:
        del given
        if broken == "raises":
            raise RuntimeError("a defect")
        return {}

    side = shadowing(system, server, ours)
    assert side.ask("/legacy/p/1")["statusCode"] == 200
    assert side.counts == {"Legacy": 1, "ShadowFailed": 1}


def test_a_slow_answer_of_ours_holds_nobody_up_and_is_not_asked_for_again_meanwhile(
    system: LegacySystem, server: LegacyServer
) -> None:
    release = threading.Event()

    def ours(given: Mapping[str, Any]) -> dict[str, Any]:
        release.wait(10)
        return echo(given)

    side = shadowing(system, server, ours)
    system.answers_json("/p/1", {"path": "/p/1"})
    began = time.monotonic()
    assert side.ask("/legacy/p/1")["statusCode"] == 200
    assert side.ask("/legacy/p/1")["statusCode"] == 200
    assert time.monotonic() - began < 3
    assert side.counts == {"Legacy": 2, "ShadowLate": 1, "ShadowSkipped": 1}
    release.set()


def test_both_sides_are_asked_at_once(system: LegacySystem, server: LegacyServer) -> None:
    """Each waits until the other has been asked, too."""
    both = threading.Barrier(2, timeout=5)

    def ours(given: Mapping[str, Any]) -> dict[str, Any]:
        both.wait()
        return echo(given)

    def theirs(handler: Any, body: bytes) -> None:
        both.wait()
        told = b'{"path": "/p/1"}'
        handler.send_response(200)
        handler.send_header("content-type", "application/json")
        handler.send_header("content-length", str(len(told)))
        handler.end_headers()
        handler.wfile.write(told)

    system.behaviours["/p/1"] = theirs
    side = shadowing(system, server, ours)
    side.ask("/legacy/p/1")
    assert side.counts == {"Legacy": 1, "ShadowSame": 1}


def test_what_changes_something_has_no_shadow(system: LegacySystem, server: LegacyServer) -> None:
    asked: list[str] = []

    def ours(given: Mapping[str, Any]) -> dict[str, Any]:
        asked.append(given["requestContext"]["http"]["method"])
        return echo(given)

    side = shadowing(system, server, ours)
    for method in ("POST", "PUT", "PATCH", "DELETE", "HEAD"):
        side.ask("/legacy/p/1", method)
    assert asked == ["HEAD"]


def test_what_is_new_to_nobody_is_not_compared(system: LegacySystem, server: LegacyServer) -> None:
    system.answers("/p/1", 304)
    side = shadowing(system, server)
    assert side.ask("/legacy/p/1", headers={"if-none-match": "x"})["statusCode"] == 304
    assert side.counts == {"Legacy": 1, "ShadowSkipped": 1}


def test_a_legacy_failure_is_told_though_there_is_a_shadow(system: LegacySystem, server: LegacyServer) -> None:
    side = shadowing(system, server)

    def hang_up(handler: Any, body: bytes) -> None:
        del body
        handler.close_connection = True

    system.behaviours["/p/1"] = hang_up
    with pytest.raises(LegacyError):
        side.ask("/legacy/p/1")
    assert side.counts == {"LegacyFailed": 1}


def test_the_time_of_the_function_bounds_the_legacy_systems(system: LegacySystem, server: LegacyServer) -> None:
    def silent(handler: Any, body: bytes) -> None:
        del body
        handler.rfile.read(1)  # until the other side hangs up

    system.behaviours["/x"] = silent
    began = time.monotonic()
    with pytest.raises(LegacyError) as failed:
        Side(system, server).ask("/legacy/x", seconds=1.3)
    assert (failed.value.status, failed.value.type) == (504, "LegacyTimeout")
    assert time.monotonic() - began < 1.3
