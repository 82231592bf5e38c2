"""util: encodings, ids, numbers, text, XML."""

from __future__ import annotations

import base64
import json
import re
import time
import uuid

import pytest

from tests.local.appsync.javascript.evaluation import evaluate, failure

TEXTS = ["", "a", "ab", "abc", "Grüße, 世界 \U0001f600", "\x00\x7f\x80", "a b+c&d=e/f?*-_.~!'()"]


@pytest.mark.parametrize("text", TEXTS)
def test_base64_is_of_utf8(text: str) -> None:
    encoded = base64.b64encode(text.encode()).decode()
    assert evaluate("util.base64Encode(ctx.args.t)", arguments={"t": text}) == encoded
    assert evaluate("util.base64Decode(ctx.args.t)", arguments={"t": encoded}) == text


def test_base64_of_something_else_is_an_error() -> None:
    assert failure("util.base64Decode('a*b')").type == "Code"


@pytest.mark.parametrize("text", TEXTS)
def test_url_encoding_is_of_forms(text: str) -> None:
    # As java.net.URLEncoder: a space is +, and of the signs only . - * _ stay.
    kept = re.compile(r"[A-Za-z0-9.*_-]")
    expected = "".join(
        chr(byte) if kept.fullmatch(chr(byte)) else "+" if byte == 32 else f"%{byte:02X}" for byte in text.encode()
    )
    assert evaluate("util.urlEncode(ctx.args.t)", arguments={"t": text}) == expected
    assert evaluate("util.urlDecode(ctx.args.t)", arguments={"t": expected}) == text


def test_escape_javascript() -> None:
    text = "'\"\\/\b\n\t\f\ré\x01"
    expected = "\\'\\\"\\\\\\/\\b\\n\\t\\f\\r\\u00E9\\u0001"
    assert evaluate("util.escapeJavaScript(ctx.args.t)", arguments={"t": text}) == expected


def test_auto_id_is_a_random_uuid() -> None:
    ids = evaluate("[1, 2, 3].map(() => util.autoId())")
    assert len(set(ids)) == 3
    assert all(uuid.UUID(text).version == 4 and str(uuid.UUID(text)) == text for text in ids)


def test_as_many_ids_as_one_likes() -> None:
    ids = evaluate("ctx.args.list.map(() => util.autoId())", arguments={"list": list(range(2000))})
    assert len(set(ids)) == 2000


def test_auto_ulid_sorts_by_time() -> None:
    ulid = evaluate("util.autoUlid()")
    alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
    assert re.fullmatch(f"[{alphabet}]{{26}}", ulid)
    milliseconds = 0
    for character in ulid[:10]:
        milliseconds = milliseconds * 32 + alphabet.index(character)
    assert abs(milliseconds - time.time() * 1000) < 10_000


def test_auto_ksuid_sorts_by_time() -> None:
    ksuid = evaluate("util.autoKsuid()")
    alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    assert re.fullmatch("[0-9A-Za-z]{27}", ksuid)
    number = 0
    for character in ksuid:
        number = number * 62 + alphabet.index(character)
    assert abs((number >> 128) + 1_400_000_000 - time.time()) < 10


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("util.math.roundNum(10.5)", 11),
        ("util.math.roundNum(-10.5)", -10),
        ("util.math.minVal(2, 1.5)", 1.5),
        ("util.math.maxVal(2, 1.5)", 2),
        ("util.str.normalize('e\\u0301', 'nfc')", "é"),
        ("util.str.normalize('ﬁ', 'nfkd')", "fi"),
        ("JSON.parse('{\"a\":1}')", {"a": 1}),
        ("JSON.parse('{a}')", ""),
        ("[10, 9, 1].sort()", [1, 10, 9]),
        ("'a-b-c'.split('-')", ["a", "b", "c"]),
        ("'a.b'.split('.')", ["a", "b"]),
        ("parseInt('7') + Number('1.5')", 8.5),
        ("[[1], [2, [3]]].flat()", [1, 2, [3]]),
    ],
)
def test_values(expression: str, value: object) -> None:
    assert evaluate(expression) == value


def test_random_numbers_stay_in_their_range() -> None:
    doubles = evaluate("ctx.args.l.map(() => util.math.randomDouble())", arguments={"l": list(range(50))})
    assert all(0 <= number < 1 for number in doubles)
    whole = evaluate("ctx.args.l.map(() => util.math.randomWithinRange(3, 6))", arguments={"l": list(range(200))})
    assert set(whole) == {3, 4, 5}


def test_copy_headers_leaves_out_what_belongs_to_a_connection() -> None:
    headers = {"x-a": "1", "Host": "h", "connection": "close", "content-length": "3", "authorization": "t"}
    assert evaluate("util.http.copyHeaders(ctx.args)", arguments=headers) == {"x-a": "1", "authorization": "t"}


# The first two are the Developer Guide's own examples.
XML = [
    (
        '<?xml version="1.0" encoding="UTF-8"?>\n<posts>\n<post>\n<id>1</id>\n'
        "<title>Getting started with GraphQL</title>\n</post>\n</posts>",
        {"posts": {"post": {"id": 1, "title": "Getting started with GraphQL"}}},
    ),
    ("<a><b>1</b><b>2</b><b/></a>", {"a": {"b": [1, 2, ""]}}),
    ("<a/>", {"a": ""}),
    ('<a id="7" on="true">text</a>', {"a": {"id": 7, "on": True, "content": "text"}}),
    ("<a><![CDATA[<b>&amp;]]></a>", {"a": "<b>&amp;"}),
    ("<a>&lt;b&gt; &amp; &#233;&#xe9;</a>", {"a": "<b> & éé"}),
    ("<a><!-- <b> -->007</a>", {"a": "007"}),
    ("<a>-1.5e3</a>", {"a": -1500}),
]


@pytest.mark.parametrize(("xml", "value"), XML)
def test_xml(xml: str, value: object) -> None:
    assert evaluate("util.xml.toMap(ctx.args.x)", arguments={"x": xml}) == value
    assert json.loads(evaluate("util.xml.toJsonString(ctx.args.x)", arguments={"x": xml})) == value
    encoded = evaluate("util.xml.toJsonString(ctx.args.x, true)", arguments={"x": xml})
    assert json.loads(json.loads(encoded)) == value


@pytest.mark.parametrize("xml", ["<a><b></a></b>", "<a>", "a < b"])
def test_xml_that_is_none(xml: str) -> None:
    assert failure("util.xml.toMap(ctx.args.x)", arguments={"x": xml}).type == "Code"
