"""Short forms for tests: an expression's value, a handler's outcome. Real QuickJS, one realm per session of tests."""

from __future__ import annotations

from functools import cache
from typing import Any

from local.appsync.javascript import HandlerError, JavaScript, Outcome

IMPORTS = (
    "import { util, runtime, extensions } from '@aws-appsync/utils';import * as ddb from '@aws-appsync/utils/dynamodb';"
)


@cache
def realm() -> JavaScript:
    """The realm that tests share: what one run does must not be seen by another in any case."""
    return JavaScript()


def run(body: str, context: dict[str, Any] | None = None, *, auth_type: str | None = None) -> Outcome:
    """The outcome of `export function request(ctx) { BODY }`."""
    code = f"{IMPORTS}\nexport function request(ctx) {{\n{body}\n}}\n"
    return realm().compile(code, "test.js").run("request", context or {}, auth_type=auth_type)


def evaluate(expression: str, **context: Any) -> Any:
    """The value of an expression over `ctx`."""
    outcome = run(f"return {expression};", context)
    assert outcome.error is None, outcome.error
    return outcome.value


def failure(expression: str, **context: Any) -> HandlerError:
    """The error that an expression ends with."""
    error = run(f"return {expression};", context).error
    assert error is not None
    return error
