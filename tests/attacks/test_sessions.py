"""The session endpoints: other sites' pages, and cookies that are no session or none any more.

Each refusal has its status, its words in the function's log, and a twin: the same request of our own page.
"""

from __future__ import annotations

import json
import time
import uuid

import pytest

from tests.attacks import forgery
from tests.attacks.target import Person, Target
from tests.attacks.web import COOKIE, ORIGIN, Headers, Web

pytestmark = pytest.mark.stack

FOREIGN = "This origin may not use sessions."
OVER = "The session is over: sign in again."
NONE = "There is no session."
BAD_BODY = 'The body must be {"refreshToken": "..."}.'


@pytest.fixture(scope="module")
def web(target: Target) -> Web:
    return Web(target)


@pytest.fixture
def eve(target: Target) -> Person:
    """A user of this test's own, whose sessions may end."""
    return target.person("eve")


def body_of(person: Person) -> bytes:
    return json.dumps({"refreshToken": person.refresh_token}).encode()


# --- other sites ---

ORIGINS: dict[str, Headers] = {
    "none": [],
    "empty": [("origin", "")],
    "opaque": [("origin", "null")],
    "another site": [("origin", "https://evil.example")],
    "ours as a subdomain of another": [("origin", f"{ORIGIN}.evil.example")],
    "ours as a user": [("origin", f"{ORIGIN}@evil.example")],
    "another port": [("origin", "http://localhost:5174")],
    "no port": [("origin", "http://localhost")],
    "another scheme": [("origin", "https://localhost:5173")],
    "with a path": [("origin", f"{ORIGIN}/")],
    "ours among others": [("origin", f"{ORIGIN} https://evil.example")],
    "two": [("origin", "https://evil.example"), ("origin", ORIGIN)],
    "all": [("origin", "*")],
    "only a referer": [("referer", f"{ORIGIN}/index.html")],
    "said otherwise": [("x-forwarded-host", "localhost:5173"), ("sec-fetch-site", "same-origin")],
}


@pytest.mark.parametrize("name", ORIGINS)
def test_pages_of_other_origins_neither_begin_nor_use_nor_end_a_session(web: Web, eve: Person, name: str) -> None:
    cookie, origin = web.session(eve), ORIGINS[name]
    attacks = {
        ("POST", "/session"): body_of(eve),  # the attacker's own token: the victim would act in their account
        ("POST", "/session/refresh"): b"",
        ("DELETE", "/session"): b"",
    }
    for (method, path), body in attacks.items():
        position, marks = web.position(), web.marks()
        reply = web.ask(method, path, [*origin, ("cookie", cookie)], body)
        assert (reply.status, reply.message, reply.cookies) == (403, FOREIGN, [])
        assert not [name for name in reply.headers if name.startswith("access-control-")]
        [line] = web.logged(position)
        assert (line["route"], line["status"]) == (f"{method} {path}", "403")
        assert web.functions_say(marks, f"{method} {path} is refused with 403: {FOREIGN}")
    assert web.refresh(cookie).status == 200  # the twin, and the session is as it was


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"])
def test_a_form_of_another_site_begins_no_session(web: Web, eve: Person, kind: str) -> None:
    """What browsers send without asking first (a "simple" request) says its origin too."""
    reply = web.ask("POST", "/session", [("origin", "https://evil.example"), ("content-type", kind)], body_of(eve))
    assert (reply.status, reply.message, reply.cookies) == (403, FOREIGN, [])
    assert web.ask("POST", "/session", [("origin", ORIGIN), ("content-type", kind)], body_of(eve)).status == 200


def test_a_preflight_of_another_site_is_not_answered(web: Web) -> None:
    asked = [("access-control-request-method", "DELETE"), ("access-control-request-headers", "content-type")]
    for headers in [each for each in ORIGINS.values() if each]:
        reply = web.ask("OPTIONS", "/session", [*headers, *asked])
        assert "access-control-allow-origin" not in reply.headers, headers
    twin = web.ask("OPTIONS", "/session", [("origin", ORIGIN), *asked])
    assert (twin.status, twin.headers["access-control-allow-origin"]) == (204, ORIGIN)


def test_the_cookie_is_for_no_script_no_other_site_and_no_plain_connection(web: Web, eve: Person) -> None:
    reply = web.ask("POST", "/session", [("origin", ORIGIN)], body_of(eve))
    [cookie] = reply.cookies
    pair, *flags = cookie.split("; ")
    assert sorted(flags) == ["HttpOnly", "Max-Age=2592000", "Path=/", "SameSite=Strict", "Secure"]
    assert pair.startswith("__Host-")  # Secure, this host, and no subdomain may set it
    assert reply.headers["cache-control"] == "no-store"
    assert eve.refresh_token not in reply.body.decode()
    [ended] = web.ask("DELETE", "/session", [("origin", ORIGIN), ("cookie", pair)]).cookies
    assert ended.startswith(f"{COOKIE}=; ")
    assert {"Max-Age=0", "Secure", "HttpOnly", "SameSite=Strict", "Path=/"} <= set(ended.split("; "))


# --- cookies ---


def test_cookies_that_are_no_session_are_none(web: Web, eve: Person) -> None:
    cookie = web.session(eve)
    value = cookie.partition("=")[2]
    attacks: dict[str, tuple[str, str]] = {
        "nothing": ("", NONE),
        "another name": (f"session={value}", NONE),
        "small letters": (f"{COOKIE.lower()}={value}", NONE),
        "a name that ends so": (f"x{cookie}", NONE),
        "empty": (f"{COOKIE}=", NONE),
        "twice": (f"{cookie}; {cookie}", NONE),
        "another's in front": (f"{COOKIE}=x; {cookie}", NONE),
        "quoted": (f'{COOKIE}="{value}"', NONE),
        "with a comma": (f"{COOKIE}={value},{value}", NONE),
        "large": (f"{COOKIE}={'x' * 3801}", NONE),
        "random": (f"{COOKIE}={uuid.uuid4()}", OVER),
        "cut": (cookie[:-3], OVER),
        "longer": (f"{cookie}A", OVER),
        "an id token": (f"{COOKIE}={eve.id_token}", OVER),
        "an access token": (f"{COOKIE}={eve.access_token}", OVER),
        "code": (f"{COOKIE}={{{{7*7}}}}${{jndi:ldap://127.0.0.1/a}}", OVER),
        "JSON": (f"{COOKIE}={{'$ne':1}}", OVER),
        "escapes": (f"{COOKIE}=%0d%0aSet-Cookie:a=b", OVER),
    }
    for name, (sent, message) in attacks.items():
        position, marks = web.position(), web.marks()
        reply = web.refresh(sent)
        assert (reply.status, reply.message) == (401, message), (name, reply.body)
        assert bool(reply.cookies) == (message == OVER), name  # what is over goes from the browser
        assert all(each.startswith(f"{COOKIE}=; ") for each in reply.cookies)
        [line] = web.logged(position)
        assert (line["route"], line["status"]) == ("POST /session/refresh", "401"), name
        assert web.functions_say(marks, f"POST /session/refresh is refused with 401: {message}"), name
    assert web.refresh(cookie).status == 200
    assert web.refresh(f"a=1; {cookie}; b=2").status == 200


def test_a_cookie_from_before_the_end_is_of_no_use(target: Target, web: Web) -> None:
    """Replayed: after the session's end, after a sign-out, after the user's deletion."""
    ends = {
        "the session's end": None,
        "a sign-out": "mutation { signOut { userId } }",
        "the user's deletion": "mutation { deleteUser { done } }",
    }
    for name, mutation in ends.items():
        person, twin = target.person("gone"), target.person("stays")
        cookie, kept = web.session(person), web.session(twin)
        fresh = json.loads(web.refresh(cookie).body)
        if mutation is None:
            assert web.ask("DELETE", "/session", [("origin", ORIGIN), ("cookie", cookie)]).status == 204
        else:
            assert target.api.run(mutation, headers=person.headers).data
        for _ in range(2):
            reply = web.refresh(cookie)
            assert (reply.status, reply.message) == (401, OVER), name
        again = web.ask("POST", "/session", [("origin", ORIGIN)], body_of(person))
        assert (again.status, again.message) == (401, OVER), name
        if mutation is not None:  # and what was made of it before
            bearer = [("authorization", f"Bearer {fresh['accessToken']}")]
            assert web.ask("GET", "/user", bearer).status == 401, name
        assert web.refresh(kept).status == 200, name


def test_a_token_of_another_application_or_pool_begins_no_session(target: Target, web: Web, eve: Person) -> None:
    flows = {"ExplicitAuthFlows": ["ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"]}
    other = target.cognito.create_user_pool_client(UserPoolId=target.pool_id, ClientName="other", **flows)
    foreign = target.sign_in(eve.name, other["UserPoolClient"]["ClientId"])["RefreshToken"]
    reply = web.ask("POST", "/session", [("origin", ORIGIN)], json.dumps({"refreshToken": foreign}).encode())
    assert (reply.status, reply.message, len(reply.cookies)) == (401, OVER, 1)
    reply = web.refresh(f"{COOKIE}={foreign}")
    assert (reply.status, reply.message) == (401, OVER)
    assert web.ask("POST", "/session", [("origin", ORIGIN)], body_of(eve)).status == 200


def test_a_refresh_token_that_is_over_or_forged_is_none(target: Target, web: Web, eve: Person) -> None:
    """Here refresh tokens are JWTs of the pool, so that one can be made that is over; on AWS nobody can read them."""
    header, claims = forgery.parts(eve.refresh_token)
    keys = target.instance.state / "aws" / "ministack" / "cognito-pool-keys"
    key = forgery.private_key(next(keys.glob(f"{target.pool_id}*.pem")).read_bytes())
    forged = {
        "over": forgery.signed(header, {**claims, "exp": int(time.time()) - 1}, key),
        "another key": forgery.signed(header, claims, forgery.own_key()),
        "another user": forgery.signed(header, {**claims, "sub": target.bob.id}, forgery.own_key()),
        "unsigned": forgery.unsigned({**header, "alg": "none"}, claims) + ".",
    }
    for name, token in forged.items():
        reply = web.refresh(f"{COOKIE}={token}")
        assert (reply.status, reply.message) == (401, OVER), name
    assert web.refresh(f"{COOKIE}={eve.refresh_token}").status == 200


def test_nobody_can_choose_the_session_of_another(web: Web, target: Target) -> None:
    """Fixation: a cookie that was there before is replaced by the one of the sign-in, and neither knows the other."""
    mallory, victim = target.person("mallory"), target.person("victim")
    planted = web.session(mallory)
    reply = web.ask("POST", "/session", [("origin", ORIGIN), ("cookie", planted)], body_of(victim))
    [cookie] = reply.cookies
    own = cookie.partition(";")[0]
    assert own != planted
    for session, person in ((planted, mallory), (own, victim)):
        token = json.loads(web.refresh(session).body)["accessToken"]
        assert json.loads(web.ask("GET", "/user", [("authorization", token)]).body)["id"] == person.id
    assert web.ask("DELETE", "/session", [("origin", ORIGIN), ("cookie", planted)]).status == 204
    assert web.refresh(own).status == 200


# --- bodies, methods, paths ---


def test_bodies_that_are_none_are_refused(web: Web, eve: Person) -> None:
    token = eve.refresh_token
    bodies = [
        b"", b"{", b"null", b"[]", b"1", b'"x"', b"{}", b'{"refreshToken": null}', b'{"refreshToken": 1}',
        b'{"refreshToken": ""}', b'{"refreshToken": ["a"]}', b'{"refreshToken": {"$ne": 1}}',
        b'{"refreshToken": "a; Domain=evil.example"}', b'{"refreshToken": "a\\r\\nSet-Cookie: x=y"}',
        b'{"refreshToken": "a\\u0000b"}', b'{"refreshToken": "\\ud800"}', b'{"refreshToken": "\xc3\xa9"}',
        b"\xff\xfe{}",
        b'{"refreshtoken": "' + token.encode() + b'"}', b'{"refreshToken": "' + b"x" * 3801 + b'"}',
        b"[" * 200_000, b'{"a":' * 100_000, b"1" * 5000, b'{"refreshToken": ' + b"9" * 5000 + b"}",
        f"refreshToken={token}".encode(),
    ]  # fmt: skip
    for body in bodies:
        position, marks = web.position(), web.marks()
        reply = web.ask("POST", "/session", [("origin", ORIGIN), ("content-type", "application/json")], body)
        assert (reply.status, reply.message, reply.cookies) == (400, BAD_BODY, []), (body[:60], reply.body)
        [line] = web.logged(position)
        assert (line["route"], line["status"]) == ("POST /session", "400")
        assert web.functions_say(marks, "POST /session is refused with 400: The body must be")
    assert web.ask("POST", "/session", [("origin", ORIGIN)], body_of(eve)).status == 200


def test_sizes_are_bounded(web: Web, eve: Person) -> None:
    position = web.position()
    reply = web.ask("POST", "/session", [("origin", ORIGIN)], b" " * (10 * 1024 * 1024 + 1))
    assert (reply.status, reply.message) == (413, "Request Entity Too Large")
    [line] = web.logged(position)
    assert line["status"] == "413"
    small = body_of(eve)
    assert web.ask("POST", "/session", [("origin", ORIGIN)], small + b" " * 1024 * 1024).status == 200
    assert web.refresh(f"{COOKIE}={'x' * 9000}").status == 401


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/session"), ("PUT", "/session"), ("PATCH", "/session"), ("HEAD", "/session/refresh"),
     ("GET", "/session/refresh"), ("DELETE", "/session/refresh"), ("POST", "/SESSION/refresh"), ("TRACE", "/session"),
     ("POST", "/session/refresh/x"), ("POST", "/"), ("GET", "/user/../whoami"),
     ("POST", "/session/../session/refresh")],
)  # fmt: skip
def test_other_methods_and_paths_are_none(web: Web, eve: Person, method: str, path: str) -> None:
    cookie, position = web.session(eve), web.position()
    reply = web.ask(method, path, [("origin", ORIGIN), ("cookie", cookie)])
    assert (reply.status, reply.cookies) == (404, [])
    [line] = web.logged(position)
    assert (line["route"], line["status"], line["error"]) == ("-", "404", "Not Found")
    assert web.refresh(cookie).status == 200


def test_a_header_does_not_change_the_method(web: Web, eve: Person) -> None:
    cookie = web.session(eve)
    override = [("x-http-method-override", "DELETE"), ("x-http-method", "DELETE"), ("x-method-override", "DELETE")]
    reply = web.ask("POST", "/session/refresh", [("origin", ORIGIN), ("cookie", cookie), *override])
    assert reply.status == 200
    assert web.refresh(cookie).status == 200
