"""Which members of the context cross into the engine."""

from __future__ import annotations

from typing import ClassVar

import pytest

from local.appsync.javascript.context_use import MEMBERS
from tests.local.appsync.javascript.evaluation import realm


def reads(code: str) -> set[str]:
    return set(realm().compile(code, "a.js").reads("request"))


@pytest.mark.parametrize(
    ("code", "members"),
    [
        ("export function request(ctx) { return ctx.args.id; }", {"arguments"}),
        ("export function request(c) { return c.arguments.id + c.identity?.sub; }", {"arguments", "identity"}),
        ("export const request = ctx => ctx?.prev.result;", {"prev"}),
        ("export function request({ args, stash: { a } }) { return args.id + a; }", {"arguments", "stash"}),
        ("export function request(ctx) { const { args, stash: s } = ctx; return args.id; }", {"arguments", "stash"}),
        ("export function request() { return 1; }", set()),
        ("export function request(ctx) { return 1; }\nexport function response(ctx) { return ctx.result; }", set()),
        ("export function request(ctx) { return [1].map((ctx) => ctx.result); }", set()),
        ("export function request(ctx) { return [1].map((x) => ctx.source.a + x); }", {"source"}),
        ("function a(ctx) { return ctx.error; }\nexport { a as request };", {"error"}),
    ],
)
def test_only_what_is_read_crosses(code: str, members: set[str]) -> None:
    assert reads(code) == members


@pytest.mark.parametrize(
    "code",
    [
        "export function request(ctx) { return ctx; }",
        "export function request(ctx) { return helper(ctx); }\nfunction helper(c) { return c.args; }",
        "export function request(ctx) { const { args, ...rest } = ctx; return rest; }",
        "export function request(ctx) { return { ...ctx }; }",
        "export function request(ctx) { const c = ctx; return c.args; }",
        "export function request(ctx) { return ctx['args']; }",
        "export function request(...all) { return all[0].args; }",
        "export function request() { return arguments[0].args; }",
        "export function request(ctx) { return { ctx }; }",
    ],
)
def test_everything_crosses_where_the_context_itself_is_used(code: str) -> None:
    assert reads(code) == MEMBERS


def test_a_lazy_context_is_asked_only_for_what_is_read() -> None:
    class Lazy(dict[str, object]):
        """Works each member out when it is asked for, as a context with selection sets does."""

        asked: ClassVar[list[str]] = []

        def get(self, key: str, _default: object = None) -> object:
            self.asked.append(key)
            return {"id": 1}

    context = Lazy()
    assert realm().compile("export const request = (ctx) => ctx.args.id;", "a.js").run("request", context).value == 1
    assert context.asked == ["arguments"]
