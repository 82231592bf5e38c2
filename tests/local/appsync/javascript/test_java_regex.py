"""Java's regular expressions in util.matches, replace and replaceAll."""

from __future__ import annotations

import pytest

from tests.local.appsync.javascript.evaluation import evaluate, failure

MATCHES = [
    ("a*b", "aaaaab", True),
    ("a*b", "xaaab", False),  # the whole text, as Pattern.matches
    ("^[a-z]+$", "abc", True),
    ("[a-z]+", "abc1", False),
    ("(?i)ABC", "abc", True),
    ("(?s).+", "a\nb", True),
    (".+", "a\nb", False),
    (r"\d{4}-\d{2}", "2026-11", True),
    (r"\w+@\w+\.\w+", "a@b.c", True),
    (r"[\w.\-]+@[^\s@]+", "a.b-c@d", True),
    (r"\p{Alpha}+", "abc", True),
    (r"\p{Alpha}+", "äbc", False),
    (r"\p{L}+", "äbc", True),
    (r"\p{IsAlphabetic}+", "äbc", True),
    (r"[\p{Upper}\p{Digit}]+", "A1", True),
    (r"\P{Punct}+", "ab1", True),
    (r"\Qa.b\E+", "a.bbb", True),
    (r"\Aab\z", "ab", True),
    (r"(?<year>\d+)-\k<year>", "12-12", True),
    (r"(a)\1", "aa", True),
    (r"a{2,3}", "aaa", True),
    (r"[^\]]+", "ab", True),
    (r"[a-c&]+", "a&", True),
    (r"\s", "\xa0", False),
    ("😀.", "😀😀", True),
    (r"a/b", "a/b", True),
    (r"[/]+", "//", True),
    (r"x(?=y).", "xy", True),
]


@pytest.mark.parametrize(("pattern", "text", "result"), MATCHES)
def test_matches(pattern: str, text: str, result: bool) -> None:
    assert evaluate("util.matches(ctx.args.p, ctx.args.t)", arguments={"p": pattern, "t": text}) is result


def test_escaped_signs_stand_for_themselves() -> None:
    assert evaluate("util.matches(ctx.args.p, '@#-=')", arguments={"p": r"\@\#\-\="}) is True


@pytest.mark.parametrize("pattern", ["a*+b", "(?>a)b", "[a-z&&[^b]]", "[a[bc]]", r"\Gx", "(?x)a b"])
def test_a_construct_without_a_counterpart_is_refused(pattern: str) -> None:
    error = failure("util.matches(ctx.args.p, 'a')", arguments={"p": pattern})
    assert error.type == "NotEmulated"
    assert pattern.split("+")[0] in error.message


def test_a_pattern_that_is_none_is_an_error() -> None:
    assert failure("util.matches('(a', 'a')").type == "Code"


@pytest.mark.parametrize(
    ("expression", "result"),
    [
        ("'a.b.c'.replaceAll('.', '-')", "-----"),
        ("'a.b.c'.replaceAll('\\\\.', '-')", "a-b-c"),
        ("'aab'.replace('a', 'x')", "xab"),
        ("'2026-11'.replace('(\\\\d+)-(\\\\d+)', '$2/$1')", "11/2026"),
        ("'price'.replaceAll('price', '\\\\$5')", "$5"),
        ("'Hello World'.replaceAll('[aeiou]', '*')", "H*ll* W*rld"),
        ("'abc'.replace('x', 'y')", "abc"),
    ],
)
def test_replace(expression: str, result: str) -> None:
    assert evaluate(expression) == result
