"""What a handler sees, what it leaves behind, and what it cannot do to the next one."""

from __future__ import annotations

import threading
import time

import pytest

from local.appsync.javascript import EarlyReturn, HandlerError, Invalidation, JavaScript
from tests.local.appsync.javascript.evaluation import evaluate, failure, realm, run

CONTEXT = {
    "arguments": {"id": "1", "list": [1, None, "ü"]},
    "identity": {"sub": "u"},
    "source": {"name": "parent"},
    "stash": {"s": 1},
    "result": {"r": [1]},
    "prev": {"result": 2},
    "error": {"message": "m", "type": "t"},
    "request": {"headers": {"x-api-key": "k"}, "domainName": None},
    "info": {
        "fieldName": "f",
        "parentTypeName": "Query",
        "variables": {"v": 1},
        "selectionSetList": ["a", "a/b"],
        "selectionSetGraphQL": "{\n  a\n}",
    },
    "env": {"TABLE": "t"},
}


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("ctx.arguments", CONTEXT["arguments"]),
        ("ctx.args", CONTEXT["arguments"]),
        ("ctx.args === ctx.arguments", True),
        ("ctx.identity.sub", "u"),
        ("ctx.source", CONTEXT["source"]),
        ("ctx.stash.s", 1),
        ("ctx.result.r[0]", 1),
        ("ctx.prev.result", 2),
        ("ctx.error", CONTEXT["error"]),
        ("ctx.request.headers['x-api-key']", "k"),
        ("ctx.info.fieldName", "f"),
        ("ctx.info.selectionSetList", ["a", "a/b"]),
        ("ctx.env.TABLE", "t"),
    ],
)
def test_a_handler_sees_the_context(expression: str, value: object) -> None:
    assert run(f"return {expression};", CONTEXT).value == value


def test_the_text_of_info_lacks_the_selection_sets() -> None:
    info = {"fieldName": "f", "parentTypeName": "Query", "variables": {"v": 1}}
    assert evaluate("JSON.parse(JSON.stringify(ctx.info))", **CONTEXT) == info
    assert evaluate("ctx", **CONTEXT)["info"] == info


def test_members_that_are_not_given_are_null() -> None:
    expected: dict[str, object] = {
        "identity": None,
        "source": None,
        "result": None,
        "prev": None,
        "error": None,
        "args": {},
        "stash": {},
    }
    assert evaluate("ctx").items() >= expected.items()


def test_changes_of_stash_and_arguments_come_back() -> None:
    outcome = run("ctx.stash.a = { b: 1 }; ctx.args.id = 2;", CONTEXT)
    assert outcome.stash == {"s": 1, "a": {"b": 1}}
    assert outcome.arguments == {"id": 2, "list": [1, None, "ü"]}
    assert not outcome.returned


def test_what_cannot_have_changed_does_not_come_back() -> None:
    outcome = run("return { id: ctx.args.id, s: ctx.stash.s };", CONTEXT)
    assert (outcome.stash, outcome.arguments) == (None, None)


def test_a_write_to_one_member_leaves_the_other_alone() -> None:
    outcome = run("ctx.stash.a = 1;", CONTEXT)
    assert (outcome.stash, outcome.arguments) == ({"s": 1, "a": 1}, None)


def test_undefined_is_not_null() -> None:
    assert (run("return;").value, run("return;").returned) == (None, False)
    assert (run("return null;").value, run("return null;").returned) == (None, True)


def test_numbers_and_text_survive_the_way() -> None:
    value = {"i": 9007199254740991, "f": 1.5, "t": 'a\u2028\U0001f600"\\', "e": "", "n": None, "b": False}
    assert evaluate("ctx.args", arguments=value) == value


def test_a_cut_surrogate_pair_becomes_a_question_mark() -> None:
    assert evaluate("ctx.args.t.slice(0, 2)", arguments={"t": "a\U0001f600"}) == "a?"


def test_integers_beyond_64_bits_are_rounded() -> None:
    assert evaluate("ctx.args.n", arguments={"n": 10**25}) == 1e25


def test_util_error_ends_the_handler() -> None:
    outcome = run("ctx.stash.a = 1; util.error('no', 'Type', { d: 1 }, { i: 2 }); return 1;")
    assert outcome.error == HandlerError("no", "Type", {"d": 1}, {"i": 2})
    assert outcome.value is None
    assert run("util.error('only');").error == HandlerError("only", None, None, None)


def test_util_append_error_goes_on() -> None:
    outcome = run("util.appendError('a', 'T'); util.appendError('b'); return 1;")
    assert outcome.value == 1
    assert outcome.appended_errors == [HandlerError("a", "T"), HandlerError("b")]


def test_util_unauthorized() -> None:
    outcome = run("util.unauthorized(); return 1;")
    assert outcome.unauthorized
    assert outcome.error is None


def test_util_auth_type() -> None:
    assert run("return util.authType();", auth_type="API Key Authorization").value == "API Key Authorization"


def test_early_return() -> None:
    assert run("runtime.earlyReturn({ a: 1 }); return 2;").early_return == EarlyReturn("NEXT")
    outcome = run("runtime.earlyReturn({ a: 1 }, { skipTo: 'END' });")
    assert (outcome.value, outcome.early_return) == ({"a": 1}, EarlyReturn("END"))
    assert run("runtime.earlyReturn();").value is None


def test_subscription_extensions() -> None:
    rule = "{ filterGroup: [{ filters: [{ fieldName: 'a', operator: 'eq', value: 1 }] }] }"
    expected = {"filterGroup": [{"filters": [{"fieldName": "a", "operator": "eq", "value": 1}]}]}
    outcome = run(
        f"extensions.setSubscriptionFilter({rule}); extensions.setSubscriptionInvalidationFilter({rule});"
        "extensions.invalidateSubscriptions({ subscriptionField: 'onA', payload: { a: 1 } });"
        "extensions.evictFromApiCache('Query', 'a', { 'ctx.args.id': 1 }); return null;"
    )
    assert outcome.subscription_filter == outcome.invalidation_filter == expected
    assert outcome.invalidations == [Invalidation("onA", {"a": 1})]
    assert outcome.cache_evictions[0].keys == {"ctx.args.id": 1}


def test_a_filter_of_another_shape_is_an_error() -> None:
    assert "filterGroup" in failure("extensions.setSubscriptionFilter({ filters: [] })").message


def test_response_headers() -> None:
    outcome = run("util.http.addResponseHeader('count', 7); util.http.addResponseHeaders({ a: 'x', o: { b: 1 } });")
    assert outcome.response_headers == {"count": "7", "a": "x", "o": '{"b":1}'}


@pytest.mark.parametrize(
    "call",
    [
        "addResponseHeader('x-amzn-RequestId', '1')",
        "addResponseHeader('Content-Type', 'a')",
        "addResponseHeader('a', 'b\\r\\nset-cookie: c')",
        "addResponseHeader('a b', 'c')",
        "addResponseHeader('large', ctx.args.large)",
    ],
)
def test_a_header_that_cannot_be_set_is_an_appended_error(call: str) -> None:
    outcome = run(f"util.http.{call}; return 1;", {"arguments": {"large": "a" * 4096}})
    assert outcome.value == 1
    assert outcome.response_headers == {}
    assert [error.type for error in outcome.appended_errors] == ["ResponseHeaderError"]


def test_console_is_captured() -> None:
    outcome = run("console.log('a', { b: 1 }, undefined); console.error(2);")
    assert outcome.logs == ['INFO a {"b":1} undefined', "ERROR 2"]


@pytest.mark.parametrize(
    "attempt",
    [
        "Object.prototype.x = 1;",
        "Object.prototype.toString = 1;",
        "Array.prototype.map = 1;",
        "util.time = 1;",
        "util.time.nowISO8601 = 1;",
        "Math.max = 1;",
        "JSON.x = 1;",
        "console.log.x = 1;",
        "String.prototype.trim.x = 1;",
        "[].constructor.prototype.x = 1;",
    ],
)
def test_built_in_objects_cannot_be_changed(attempt: str) -> None:
    error = run(attempt).error
    assert error is not None
    assert error.type == "Code"


@pytest.mark.parametrize(
    "expression",
    [
        "(() => 1).constructor",
        "''.trim.constructor",
        "util.error.constructor",
        "({}).constructor.constructor",
        "[].map.constructor.constructor",
        "({}).__proto__",
    ],
)
def test_no_value_leads_to_the_compiler_of_text(expression: str) -> None:
    assert run(f"const f = {expression}; return f && typeof f('return 1');").value != "function"


def test_members_of_object_can_be_used_as_data() -> None:
    assert evaluate("Object.assign({}, ctx.args)", arguments={"constructor": 1, "toString": "a"}) == {
        "constructor": 1,
        "toString": "a",
    }
    assert run("const o = {}; o.constructor = 1; o['valueOf'] = 2; o.__proto__ = 3; return o;").value == {
        "constructor": 1,
        "valueOf": 2,
        "__proto__": 3,
    }


def test_module_state_does_not_survive_a_run() -> None:
    code = (
        "const seen = [];\nlet n = 0;\nexport function request(ctx) { seen.push(1); n += 1; return [seen.length, n]; }"
    )
    module = realm().compile(code, "a.js")
    assert [module.run("request", {}).value for _ in range(3)] == [[1, 1]] * 3


def test_an_unset_variable_is_no_global() -> None:
    assert run("leak = 1;").error is not None
    assert run("return typeof leak;").value == "undefined"


def test_the_context_of_one_run_is_gone_in_the_next() -> None:
    module = realm().compile("export function request(ctx) { ctx.stash.n = (ctx.stash.n ?? 0) + 1; return 1; }", "a.js")
    assert module.run("request", {}).stash == {"n": 1}
    assert module.run("request", {}).stash == {"n": 1}


def test_a_loop_ends_after_1000_iterations() -> None:
    numbers = {"arguments": {"list": list(range(1001))}}
    assert run("let n = 0; for (const a of ctx.args.list.slice(1)) { n += 1; } return n;", numbers).value == 1000
    for loop in ("for (const a of ctx.args.list) n += 1;", "for (const i in ctx.args.list) { n += 1; }"):
        error = run(f"let n = 0; {loop} return n;", numbers).error
        assert error is not None
        assert error.message.endswith("A loop ran more than 1,000 iterations")


def test_nested_loops_count_apart() -> None:
    body = "let n = 0; for (const a of ctx.args.l) for (const b of ctx.args.l) { n += 1; } return n;"
    assert run(body, {"arguments": {"l": list(range(100))}}).value == 10_000


def test_a_handler_that_takes_too_long_is_stopped() -> None:
    body = "let n = 0; const l = ctx.args.l; for (const a of l) for (const b of l) for (const c of l) n += 1; return n;"
    started = time.monotonic()
    error = run(body, {"arguments": {"l": list(range(1000))}}).error
    assert error == HandlerError("code.js: The handler ran for more than 1 s", "Code")
    assert time.monotonic() - started < 20
    assert evaluate("1 + 1") == 2


def test_a_pattern_that_backtracks_forever_is_stopped() -> None:
    error = run("return util.matches('(a|aa)+b', ctx.args.t);", {"arguments": {"t": "a" * 60}}).error
    assert error is not None
    assert error.type == "Code"


def test_memory_is_limited() -> None:
    body = "let t = 'abcdefgh'; for (const a of ctx.args.l) { t = JSON.stringify([t, t]); } return t.length;"
    error = run(body, {"arguments": {"l": list(range(100))}}).error
    assert error is not None
    assert error.type == "Code"
    assert evaluate("1 + 1") == 2


def test_a_result_is_limited_to_5_mb() -> None:
    body = "let t = 'abcdefgh'; for (const a of ctx.args.l) { t = t + t; } return t;"
    assert run(body, {"arguments": {"l": list(range(19))}}).error is None
    error = run(body, {"arguments": {"l": list(range(20))}}).error
    assert error is not None
    assert error.type == "MappingTemplate"


def test_a_value_with_a_cycle_is_an_error() -> None:
    error = run("const a = {}; a.a = a; return a;").error
    assert error is not None
    assert error.type == "Code"


def test_a_value_that_nests_too_deeply_is_an_error() -> None:
    body = "let a = []; const l = ctx.args.l; for (const i of l) a = [a]; for (const i of l) a = [a]; return a;"
    error = run(body, {"arguments": {"l": list(range(1000))}}).error
    assert error is not None
    assert error.type == "MappingTemplate"


def test_hidden_recursion_ends_with_an_error() -> None:
    error = run("const o = { f: (n) => o.f(n + 1) }; return o.f(1);").error
    assert error is not None
    assert error.message.endswith("RangeError: Maximum call stack size exceeded")


def test_a_missing_member_is_named() -> None:
    for expression, name in [
        ("util.rds.toJsonObject('')", "util.rds"),
        ("util.toJson({})", "util.toJson"),
        ("util.transform.toElasticsearchQueryDSL({})", "util.transform.toElasticsearchQueryDSL"),
        ("extensions.other()", "extensions.other"),
        ("ddb.sync({})", "sync"),
    ]:
        error = failure(expression)
        assert error.type == "NotEmulated"
        assert f"{name} is not emulated" in error.message


def test_a_realm_belongs_to_its_thread() -> None:
    module = realm().compile("export function request() { return 1; }", "a.js")
    errors: list[Exception] = []

    def use() -> None:
        try:
            module.run("request", {})
        except RuntimeError as error:
            errors.append(error)

    thread = threading.Thread(target=use)
    thread.start()
    thread.join()
    assert len(errors) == 1


def test_realms_share_nothing_and_modules_are_let_go() -> None:
    javascript = JavaScript()
    code = "export function request() { return '" + "x" * 20_000 + "'; }"
    for _ in range(50):
        assert javascript.compile(code, "a.js").run("request", {}).error is None
    before = javascript.memory_bytes()
    for _ in range(200):
        javascript.compile(code, "a.js")
    assert javascript.memory_bytes() < before + 1_000_000
