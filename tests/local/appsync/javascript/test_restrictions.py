"""The language limits, by the names of the rules in AWS's npm package `@aws-appsync/eslint-plugin`."""

from __future__ import annotations

import pytest

from local.appsync.javascript import CodeError
from tests.local.appsync.javascript.evaluation import realm, run

FORBIDDEN = [
    ("no-for", "for (let i = 0; i < 3; i += 1) {}"),
    ("no-while", "while (true) {}"),
    ("no-while", "do {} while (true);"),
    ("no-continue", "for (const a of [1]) { continue; }"),
    ("no-labels", "here: for (const a of [1]) { break here; }"),
    ("no-try", "try { ctx.args; } finally {}"),
    ("no-throw", "throw 'no';"),
    ("no-classes", "class A {}"),
    ("no-classes", "const A = class {};"),
    ("no-this", "return this;"),
    ("no-generators", "function* g() {}"),
    ("no-generators", "const g = function* () {};"),
    ("no-async", "const f = async () => 1;"),
    ("no-async", "async function f() {}"),
    ("no-await", "for await (const a of ctx.args.list) {}"),
    ("no-disallowed-unary-operators", "let a = 1; a++;"),
    ("no-disallowed-unary-operators", "let a = 1; --a;"),
    ("no-disallowed-unary-operators", "return ~1;"),
    ("no-in-operator", "return 'a' in ctx.args;"),
    ("no-disallowed-binary-operators", "return ctx.args instanceof Object;"),
    ("no-new", "return new Object();"),
    ("no-regex", "return 'a'.match(/a/);"),
    ("no-promise", "return Promise.resolve(1);"),
    ("no-unsupported-globals", "return Date.now();"),
    ("no-unsupported-globals", "setTimeout(1);"),
    ("no-unsupported-globals", "return fetch('http://127.0.0.1');"),
    ("no-unsupported-globals", "return process.env;"),
    ("no-unsupported-globals", "return require('fs');"),
    ("no-unsupported-globals", "return eval('1');"),
    ("no-unsupported-globals", "return Function('return 1')();"),
    ("no-unsupported-globals", "return globalThis;"),
    ("no-dynamic-import", "return import('fs');"),
    ("no-disallowed-methods", "return Object.freeze({});"),
    ("no-disallowed-methods", "return Array.from([1]);"),
    ("no-disallowed-methods", "return String.fromCharCode(65);"),
    ("no-disallowed-methods", "return [1].keys();"),
    ("no-disallowed-methods", "return 'a'.padStart(3);"),
    ("no-disallowed-methods", "function f() {} return f.call(null);"),
    ("no-function-passing", "return [2, 1].sort((a, b) => a - b);"),
    ("no-function-passing", "function f(g) { return 1; } return f(() => 1);"),
    ("no-function-return", "return () => 1;"),
    ("no-function-return", "const f = () => () => 1;"),
    ("no-function-return", "const f = () => 1; return f;"),
    ("no-function-reassign", "const f = () => 1; const g = f;"),
    ("no-function-reassign", "const f = () => 1; let g; g = f;"),
    ("no-recursion", "function f(n) { return f(n - 1); }"),
    ("no-recursion", "function f() { g(); } const g = () => f();"),
    ("no-disallowed-re-assignment", "ctx.stash = {};"),
    ("no-disallowed-re-assignment", "ctx.result += 1;"),
    ("no-disallowed-re-assignment", "ctx = {};"),
    ("no-disallowed-re-assignment", "delete ctx.args;"),
]

ALLOWED = [
    ("for (const k in { a: 1 }) { return k; }", "a"),
    ("for (const v of [7]) { return v; }", 7),
    ("switch (1) { case 1: return 'one'; default: break; }", "one"),
    ("let n = 1; n += 2; n **= 2; return n;", 9),
    ("const { a, ...rest } = { a: 1, b: 2 }; return [a, ...Object.values(rest)];", [1, 2]),
    ("return ctx.args?.a?.b ?? `none ${typeof ctx.args}`;", "none object"),
    ("const o = { a: 1, b: 2 }; delete o.a; return Object.keys(o);", ["b"]),
    ("const double = (x) => x * 2; return [1, 2].map(double);", [2, 4]),
    ("return [1, 2, 3].filter(x => x % 2).reduce((a, b) => a + b, 0);", 4),
    ("return [3, 1, 2].sort();", [1, 2, 3]),
    ("return [1, 2].includes(2) && 'abc'.includes('b');", True),
    ("const keys = { of: 'x' }; return keys.of;", "x"),
    ("return Object.hasOwn({ a: 1 }, 'a');", True),
    ("return 5 & 4 | 2 ^ 1 << 2 >> 1;", 4),
    ("ctx.args.a = 1; ctx.stash.b = 2; return ctx.args;", {"a": 1}),
    ("const item = { Date: 1, this: 2, in: 3 }; return item.Date + item.this + item.in;", 6),
    ("const Date = 4; return Date;", 4),
]


@pytest.mark.parametrize(("rule", "body"), FORBIDDEN, ids=[f"{rule}: {body}" for rule, body in FORBIDDEN])
def test_refuses(rule: str, body: str) -> None:
    with pytest.raises(CodeError) as refusal:
        run(body)
    assert refusal.value.rule == rule


@pytest.mark.parametrize(("body", "value"), ALLOWED, ids=[body for body, _ in ALLOWED])
def test_allows(body: str, value: object) -> None:
    outcome = run(body, {"arguments": {}})
    assert outcome.error is None
    assert outcome.value == value


def test_says_where() -> None:
    with pytest.raises(CodeError) as refusal:
        realm().compile(
            "export function request(ctx) {\n  const ü = 'ß', t = 1;\n  const n = 'é'; t++;\n}\n", "Query.a.js"
        )
    error = refusal.value
    assert (error.file, error.line, error.column) == ("Query.a.js", 3, 18)
    assert str(error).startswith("Query.a.js:3:18: ++ and -- are not supported")


def test_yield_and_await_are_refused_where_they_stand() -> None:
    with pytest.raises(CodeError) as refusal:
        realm().compile("export function request() { const f = 1;\n await f; }", "a.js")
    assert refusal.value.line == 2


def test_takes_code_of_32768_characters_and_no_more() -> None:
    code = "export function request() {}\n//"
    largest = code + "é" * (32_768 - len(code))
    assert realm().compile(largest, "a.js").has_request
    with pytest.raises(CodeError) as refusal:
        realm().compile(largest + "é", "a.js")
    assert refusal.value.rule == "code-size"


@pytest.mark.parametrize(
    ("code", "line"),
    [
        ("export function request(ctx) {\n  return 1;\n", 2),
        ("export function request(ctx) {\n  const = 1;\n}\n", 2),
        ("export function request(ctx) {\n  const a = 1;\n  const a = 2;\n}\n", 3),
        ("const a = 1\nexport function request(ctx, ctx) {}\n", 2),
    ],
)
def test_reports_syntax_errors_with_their_line(code: str, line: int) -> None:
    with pytest.raises(CodeError) as refusal:
        realm().compile(code, "a.js")
    assert refusal.value.rule == "syntax"
    assert refusal.value.line == line


def test_a_deeply_nested_expression_is_no_problem() -> None:
    assert run("return " + " + ".join(["1"] * 5000) + ";").value == 5000
