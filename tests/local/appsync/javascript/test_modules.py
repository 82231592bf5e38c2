"""Imports and exports, and positions in the author's own lines."""

from __future__ import annotations

import pytest

from local.appsync.javascript import CodeError
from local.errors import NotEmulated
from tests.local.appsync.javascript.evaluation import realm

EXPORTS = {
    "functions": "export function request(ctx) { return 'q'; }\nexport function response(ctx) { return 's'; }",
    "constants": "export const request = (ctx) => 'q', response = () => 's';",
    "function expressions": (
        "export const request = function () { return 'q' };\nexport let response = function () { return 's' }"
    ),
    "a list": "function a() { return 'q'; }\nconst b = () => 's';\nexport { a as request, b as response };",
    "a list in front": (
        "export { a as request, response };\nfunction a() { return 'q'; }\nfunction response() { return 's'; }"
    ),
}


@pytest.mark.parametrize("code", EXPORTS.values(), ids=EXPORTS)
def test_exports_handlers(code: str) -> None:
    module = realm().compile(code, "a.js")
    assert (module.has_request, module.has_response) == (True, True)
    assert module.run("request", {}).value == "q"
    assert module.run("response", {}).value == "s"


def test_knows_which_handlers_are_missing() -> None:
    module = realm().compile("export function request() { return {}; }\nfunction response() {}", "a.js")
    assert (module.has_request, module.has_response) == (True, False)


@pytest.mark.parametrize(
    ("imports", "expression"),
    [
        ("import { util } from '@aws-appsync/utils';", "util.dynamodb.toString('a')"),
        ("import { util as u } from '@aws-appsync/utils'", "u.dynamodb.toString('a')"),
        ('import * as all from "@aws-appsync/utils";', "all.util.dynamodb.toString('a')"),
        ("import { util, Context } from '@aws-appsync/utils';", "util.dynamodb.toString('a')"),
        ("", "util.dynamodb.toString('a')"),
    ],
)
def test_imports_the_utilities(imports: str, expression: str) -> None:
    module = realm().compile(f"{imports}\nexport const request = () => {expression};", "a.js")
    assert module.run("request", {}).value == {"S": "a"}


@pytest.mark.parametrize(
    ("imports", "expression"),
    [
        ("import * as ddb from '@aws-appsync/utils/dynamodb';", "ddb.get({ key: { id: 'a' } })"),
        ("import { get } from '@aws-appsync/utils/dynamodb';", "get({ key: { id: 'a' } })"),
        ("import { get as read, put } from '@aws-appsync/utils/dynamodb';", "read({ key: { id: 'a' } })"),
    ],
)
def test_imports_the_dynamodb_module(imports: str, expression: str) -> None:
    module = realm().compile(f"{imports}\nexport const request = () => ({expression});", "a.js")
    assert module.run("request", {}).value == {"operation": "GetItem", "key": {"id": {"S": "a"}}}


@pytest.mark.parametrize("path", ["@aws-appsync/utils/rds", "@aws-appsync/utils/ai"])
def test_names_the_modules_that_are_not_here(path: str) -> None:
    with pytest.raises(NotEmulated, match=path):
        realm().compile(f"import * as module from '{path}';\nexport function request() {{}}", "a.js")


@pytest.mark.parametrize(
    "code",
    [
        "import fs from 'fs';",
        "import { nothing } from '@aws-appsync/utils/dynamodb';",
        "import util from '@aws-appsync/utils';",
        "export default function request() {}",
        "export * from '@aws-appsync/utils';",
        "export { nothing };",
    ],
)
def test_refuses_other_imports_and_exports(code: str) -> None:
    with pytest.raises(CodeError) as refusal:
        realm().compile(f"\n{code}\n", "a.js")
    assert refusal.value.line == 2


def test_an_exception_has_the_authors_line_and_column() -> None:
    code = (
        "import {\n  util,\n} from '@aws-appsync/utils';\n"
        "export function request(ctx) {\n"
        "  for (const item of ctx.args.items) { const name = item.name.first; }\n"
        "}\n"
    )
    error = realm().compile(code, "Query.a.js").run("request", {"arguments": {"items": [{}]}}).error
    assert error is not None
    assert error.type == "Code"
    column = code.split("\n")[4].index("item.name.first") + 1
    line, found, text = error.message.removeprefix("code.js:").split(":", 2)
    assert line == "5"
    assert abs(int(found) - column) <= len("item.name")  # the engine points at a part of the expression
    assert text == " TypeError: cannot read property 'first' of undefined"


def test_an_exception_inside_a_built_in_function_points_at_its_call() -> None:
    code = (
        "export function request(ctx) {\n  const a = 1;\n  return util.time.parseISO8601ToEpochMilliSeconds('no');\n}"
    )
    error = realm().compile(code, "a.js").run("request", {}).error
    assert error is not None
    assert error.message.startswith("code.js:3:")


def test_a_reference_error_names_the_variable() -> None:
    error = realm().compile("export const response = (ctx) => missing.name;", "a.js").run("response", {}).error
    assert error is not None
    assert error.message == "code.js:1:34: ReferenceError: missing is not defined"
