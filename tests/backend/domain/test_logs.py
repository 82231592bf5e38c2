"""Nothing that a caller sends can forge a log line, and no log line holds a credential or a person's data."""

from __future__ import annotations

import ast
import io
import json
import logging
import time
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.logs import OneLine, function_logger
from domain.redaction import MAX_TEXT, redacted, redacted_text
from tests.conftest import ROOT

JWT = "eyJhbGciOiJub25lIn0.eyJzdWIiOiI0MiJ9.c2lnbmF0dXJl"
API_KEY = "da2-" + "abcdefghijklmnopqrstuvwxyz"
AUTH_KEY = "hwk_01JD7Z8Y6X5W4V3T2S1R0Q9P8N_" + "kJ3" * 14 + "a"
SECRETS = [
    JWT, JWT[:24], JWT.rsplit(".", 1)[0] + ".", API_KEY, AUTH_KEY, AUTH_KEY[:-4], "AKIA" + "IOSFODNN7EXAMPLE",
    "ann@example.com", "Ann.O-Neil+x@mail.example.co.uk", "203.0.113.7", "2001:db8:85a3:8d3:1319:8a2e:370:7348",
    "+4915112345678",
]  # fmt: skip


class Lines:
    """A logger that writes as functions do, and what it wrote."""

    def __init__(self) -> None:
        self.stream = io.StringIO()
        handler = logging.StreamHandler(self.stream)
        handler.setFormatter(OneLine())
        self.logger = logging.Logger("test")  # noqa: LOG001 - one of its own, that no other test configures
        self.logger.addHandler(handler)

    @property
    def only(self) -> dict[str, Any]:
        """The one line, which must be one, as JSON."""
        text = self.stream.getvalue()
        assert text.endswith("\n")
        assert len(text.splitlines()) == 1, text  # all that Unicode takes for the end of a line
        text.encode()
        line: dict[str, Any] = json.loads(text)
        return line


@pytest.fixture
def lines() -> Lines:
    return Lines()


@pytest.mark.parametrize(
    "text",
    [
        "a\nlevel: ERROR", 'x\r\n{"level":"ERROR","message":"forged"}', "\x1b[2J\x1b]0;title\x07",
        "a\u2028b\u2029c\x85d\x0b\x0c\x1c",
        '{"level": "ERROR"}', "[1, 2]",
        "\u202egnp.exe", "half \ud800 of a pair", "%s %d %(message)s", "\x9b31m", "\x00",
    ],
)  # fmt: skip
def test_hostile_text_is_one_line_and_stays_a_text(lines: Lines, text: str) -> None:
    lines.logger.warning(text)
    written = lines.stream.getvalue()
    assert not any(character < " " or "\x7f" <= character <= "\x9f" for character in written[:-1])
    assert not any(character in written for character in "\u2028\u2029\u202e\ud800")
    assert lines.only["message"] == text
    assert lines.only["level"] == "WARNING"


def test_hostile_text_in_arguments_keys_and_exceptions_is_one_line(lines: Lines) -> None:
    hostile = 'a\n{"level":"ERROR"}\x1b[0m\u2028'
    try:
        raise KeyError(hostile)
    except KeyError:
        lines.logger.exception("failed %s", hostile, extra={"room": hostile, hostile: 1})
    assert lines.only["room"] == hostile
    assert lines.only["level"] == "ERROR"


@given(st.text())
def test_any_text_is_one_line_of_json(text: str) -> None:
    lines = Lines()
    lines.logger.warning("%s", text)
    assert lines.only["level"] == "WARNING"


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize(
    "around", ["{}", "because of {}.", 'x="{}"', "({}, 1)", "https://x.example/?a={}&b=2", "a\n{}\nb"]
)
def test_secrets_are_found_wherever_they_stand(lines: Lines, secret: str, around: str) -> None:
    try:
        raise ValueError(around.format(secret))
    except ValueError:
        lines.logger.exception(around.format(secret), extra={"more": [{"deep": around.format(secret)}], secret: 1})
    # What tells an auth key is its secret; its id stays.
    needle = secret.split("_", 2)[2] if secret.startswith("hwk_") else secret
    assert needle not in lines.stream.getvalue().replace("\\n", "\n")
    assert lines.only["level"] == "ERROR"


@pytest.mark.parametrize(
    "text",
    [
        "Bearer {}", "authorization: Bearer {}", "Basic {}", "token={}", "?auth_key={}&x=1", "X-Amz-Signature={}",
        "refresh_token={}", '{{"password": "{}"}}', "{{'secret': '{}'}}", '{{"idToken":"{}", "a": 1}}',
        '{{"email" : "{}',
        '{{"password": "with \\"quotes\\" {}"}}', "client_secret={}", "Cookie='x'; cookie={}",
    ],
)  # fmt: skip
def test_secrets_without_a_look_are_found_by_their_names(text: str) -> None:
    assert "hunter22hunter" not in redacted_text(text.format("hunter22hunter"))


@pytest.mark.parametrize(
    "name",
    ["password", "Authorization", "x-api-key", "idToken", "refresh_token", "Cookie", "email", "phone_number", "pepper",
     "client_secret", "SecretString", "sessionToken", "x-forwarded-for", "sourceIp", "e-mail"],
)  # fmt: skip
def test_members_go_by_their_names(name: str) -> None:
    assert redacted({"a": [{name: {"x": "hunter2"}}]}) == {"a": [{name: "[redacted]"}]}


@pytest.mark.parametrize(
    "text",
    [
        "Mutation.sendMessage answers TryAgain", "arn:aws:lambda:us-east-1:000000000000:function:chat",
        "1-5759e988-bd862e3fe1be46a994272793", "8476a536-e9f4-11e8-9739-2dfe598c3fcd", "01JD7Z8Y6X5W4V3T2S1R0Q9P8N",
        "2026-11-21 09:10:32,006+0000", "room:lobby seq 17 of 2026-11-21T08:00:00.000Z",
        "nextToken is not of this list",
        "MESSAGES#lobby#2027011508#0", "the token of a page", "python 3.13.1", "ann @ home",
    ],
)  # fmt: skip
def test_what_explains_stays(text: str) -> None:
    assert redacted_text(text) == text


def test_other_values_stay_what_they_are() -> None:
    value = {"number": 1, "share": 0.5, "yes": True, "none": None, "list": [1, "a"], "nextToken": None}
    assert redacted(value) == value


def test_nothing_is_expensive_or_endless() -> None:
    deep: Any = "x"
    for _ in range(10_000):
        deep = [deep]
    began = time.monotonic()
    redacted(deep)
    for pattern in ("a", "1.", "a:", "eyJ", "a@", '"password":"', "+1", "a.", "\\", "token=", "bearer  ", "'"):
        assert len(redacted_text(pattern * 500_000)) < 4 * MAX_TEXT
    assert time.monotonic() - began < 5  # some tenths, on a machine that does nothing else


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    name = "service-of-a-test"
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", name)
    domain = logging.getLogger("headwater")
    before = (domain.handlers, domain.level, domain.propagate)
    yield name
    domain.handlers, domain.level, domain.propagate = before


def test_the_domains_loggers_write_as_the_functions_does(service: str, capsys: pytest.CaptureFixture[str]) -> None:
    logger = function_logger()
    logger.warning("of the function: %s", API_KEY)
    logging.getLogger("headwater.some_module").warning("of the domain: %s", API_KEY)
    logging.getLogger("headwater.some_module").debug("not this")
    written = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["message"] for line in written] == ["of the function: [api key]", "of the domain: [api key]"]
    assert [line["service"] for line in written] == [service, service]


def test_every_function_logs_so() -> None:
    handlers = [*ROOT.glob("resolvers/*/*.py"), *ROOT.glob("streams/*/*.py")]
    assert handlers
    for path in handlers:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("aws_lambda_powertools"):
                assert "Logger" not in {alias.name for alias in node.names}, f"{path}: use domain.logs.function_logger"
            if isinstance(node, ast.Call):
                assert ast.unparse(node.func) not in {"print", "logging.getLogger", "Logger"}, f"{path}:{node.lineno}"
