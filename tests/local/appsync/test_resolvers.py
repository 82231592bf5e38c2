"""Resolvers: UNIT and PIPELINE with APPSYNC_JS, direct Lambda, batches (sheet 3.1, 3.2, 3.3, 4.1)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import Any

import pytest

from local.appsync.context import ResolverContext
from local.appsync.datasources import DataSourceError
from local.appsync.datasources.aws_lambda import LambdaDataSource
from local.appsync.definition import FunctionDefinition, ResolverDefinition
from local.appsync.javascript import CodeError
from local.appsync.resolvers import ResolverDefinitionError
from local.errors import NotEmulated
from local.functions import Invocation
from tests.local.appsync.api import Api, Function, js

SDL = """
type Query { a(x: Int): AWSJSON b: String item: Item items: [Item] list: [Int] }
type Mutation { set(x: Int): AWSJSON }
type Item { id: ID! name: String upper: String price: Float! }
"""


def decoded(response: dict[str, Any], name: str = "a") -> Any:
    """The value of an AWSJSON field."""
    assert "errors" not in response, response
    return json.loads(response["data"][name])


def failing(message: str, kind: str, data: Any = None, *, rejected: bool = False) -> Function:
    def fail(_context: Any) -> None:
        raise DataSourceError(message, kind, data, request_rejected=rejected)

    return Function(fail)


def unit(code: str | None, source: str = "source", coordinate: str = "Query.a", **more: Any) -> ResolverDefinition:
    type_name, field_name = coordinate.split(".")
    return ResolverDefinition(type_name, field_name, data_source=source, code=code, **more)


def pipeline(code: str, *functions: str, coordinate: str = "Query.a") -> ResolverDefinition:
    type_name, field_name = coordinate.split(".")
    return ResolverDefinition(type_name, field_name, kind="PIPELINE", code=code, functions=functions)


def function(name: str, code: str | None, source: str = "none", **more: Any) -> FunctionDefinition:
    return FunctionDefinition(name, name, source, code, **more)


class TestUnit:
    async def test_the_request_goes_to_the_data_source_and_its_result_to_the_response(self) -> None:
        source = Function(lambda _context: {"n": 41})
        code = js("{ operation: 'Invoke', payload: ctx.args }", "({ n: ctx.result.n + 1 })")
        api = Api(SDL, resolvers=[unit(code)], sources={"source": source})
        assert decoded(await api.run("{ a(x: 3) }")) == {"n": 42}
        assert source.requests == [{"operation": "Invoke", "payload": {"x": 3}}]

    async def test_handlers_see_identity_request_info_and_environment(self) -> None:
        code = js(
            "({ payload: { i: ctx.identity, h: ctx.request.headers, f: ctx.info.fieldName, p: ctx.info.parentTypeName, "
            "v: ctx.info.variables, e: ctx.env.TABLE, s: ctx.source, t: util.authType() } })"
        )
        api = Api(SDL, code={"Query.a": code}, environment={"TABLE": "main"})
        response = await api.run("query ($x: Int) { a(x: $x) }", {"x": 2}, headers={"x-y": "z"})
        assert decoded(response) == {
            "i": None,
            "h": {"x-y": "z"},
            "f": "a",
            "p": "Query",
            "v": {"x": 2},
            "e": "main",
            "s": None,
            "t": "API Key Authorization",
        }

    async def test_handlers_that_name_the_selection_set_get_it(self) -> None:
        sdl = "type Query { item: Item } type Item { id: ID name: String }"
        code = js("({ payload: { name: ctx.info.selectionSetList.join() + ctx.info.selectionSetGraphQL } })")
        response = await Api(sdl, code={"Query.item": code}).run("{ item { id name } }")
        assert response["data"]["item"]["name"] == "id,name{\n  id\n  name\n}"

    async def test_stash_and_changed_arguments_reach_the_response_handler(self) -> None:
        code = """
        export function request(ctx) { ctx.stash.a = 1; ctx.args.x = 9; return {}; }
        export function response(ctx) { return { stash: ctx.stash, x: ctx.args.x }; }
        """
        assert decoded(await Api(SDL, code={"Query.a": code}).run("{ a(x: 1) }")) == {"stash": {"a": 1}, "x": 9}

    async def test_stash_belongs_to_one_run_of_the_resolver(self) -> None:
        code = """
        export function request(ctx) { ctx.stash.n = (ctx.stash.n ?? 0) + 1; return {}; }
        export function response(ctx) { return ctx.stash.n; }
        """
        response = await Api(SDL, code={"Query.a": code}).run("{ a b: a }")
        assert response["data"] == {"a": "1", "b": "1"}

    async def test_a_data_source_error_is_the_response_handler_s_to_raise(self) -> None:
        code = js("{}", "ctx.error ? util.error(ctx.error.message, ctx.error.type, ctx.result) : ctx.result")
        source = failing("no", "DynamoDB:Oops", {"id": "1", "name": "n", "secret": 1})
        api = Api(SDL, resolvers=[unit(code, coordinate="Query.item")], sources={"source": source})
        response = await api.run("{ item { id upper } }")
        assert response["data"] == {"item": None}
        assert response["errors"][0] == {
            "path": ["item"],
            "data": {"id": "1", "upper": None},
            "errorType": "DynamoDB:Oops",
            "errorInfo": None,
            "locations": [{"line": 1, "column": 3, "sourceName": None}],
            "message": "no",
        }

    async def test_a_response_handler_that_ignores_the_error_swallows_it(self) -> None:
        api = Api(SDL, resolvers=[unit(js("{}", "'fine'"))], sources={"source": failing("no", "E")})
        assert decoded(await api.run("{ a }")) == "fine"

    async def test_a_rejected_request_object_never_reaches_the_response_handler(self) -> None:
        source = failing("Value for field '$[operation]' not found.", "MappingTemplate", rejected=True)
        response = await Api(SDL, resolvers=[unit(js("{}", "'fine'"))], sources={"source": source}).run("{ a }")
        assert response["data"] == {"a": None}
        assert response["errors"][0]["errorType"] == "MappingTemplate"

    async def test_util_error_in_the_request_handler_keeps_the_data_source_from_being_called(self) -> None:
        source = Function(lambda _context: 1)
        code = js("util.error('stop', 'Stop', { more: 1 }, { info: 2 })", "1")
        response = await Api(SDL, resolvers=[unit(code)], sources={"source": source}).run("{ a }")
        assert (source.calls, response["data"]) == ([], {"a": None})
        error = response["errors"][0]
        assert (error["message"], error["errorType"], error["errorInfo"]) == ("stop", "Stop", {"info": 2})

    async def test_append_error_only_records(self) -> None:
        code = """
        import { util } from '@aws-appsync/utils';
        export function request(ctx) { util.appendError('one', 'One', { id: '1', zz: 2 }); return { payload: 5 }; }
        export function response(ctx) { util.appendError('two'); return { id: ctx.result }; }
        """
        response = await Api(SDL, code={"Query.item": code}).run("{ item { id } }")
        assert response["data"] == {"item": {"id": "5"}}
        assert [(error["message"], error["data"], error["path"]) for error in response["errors"]] == [
            ("one", {"id": "1"}, ["item"]),
            ("two", None, ["item"]),
        ]

    async def test_util_unauthorized_says_what_a_directive_says(self) -> None:
        response = await Api(SDL, code={"Query.a": js("util.unauthorized()")}).run("{ a }")
        assert response["data"] == {"a": None}
        error = response["errors"][0]
        assert (error["errorType"], error["message"]) == ("Unauthorized", "Not Authorized to access a on type Query")

    async def test_early_return_in_the_request_handler_is_the_field_s_value(self) -> None:
        source = Function(lambda _context: 1)
        code = js("runtime.earlyReturn({ early: true })", "'late'")
        response = await Api(SDL, resolvers=[unit(code)], sources={"source": source}).run("{ a }")
        assert decoded(response) == {"early": True}
        assert source.calls == []

    async def test_an_exception_in_code_is_an_error_of_type_code(self) -> None:
        response = await Api(SDL, code={"Query.a": js("ctx.nothing.there")}).run("{ a }")
        assert response["data"] == {"a": None}
        assert response["errors"][0]["errorType"] == "Code"

    async def test_no_return_value_is_null(self) -> None:
        code = "export function request(ctx) { return {}; }\nexport function response(ctx) {}"
        assert await Api(SDL, code={"Query.a": code}).run("{ a }") == {"data": {"a": None}}

    async def test_response_headers_are_the_result_s(self) -> None:
        code = js("util.http.addResponseHeader('x-trace', 't')", "1")
        result = await Api(SDL, code={"Query.a": code}).result("{ a }")
        assert dict(result.headers) == {"x-trace": "t"}

    async def test_what_code_prints_is_logged_with_its_field(self, caplog: pytest.LogCaptureFixture) -> None:
        code = """
        export function request(ctx) { console.log('asked', ctx.args.x); return {}; }
        export function response(ctx) { return 1; }
        """
        with caplog.at_level("INFO", "local.appsync.console"):
            await Api(SDL, code={"Query.a": code}).run("{ a(x: 7) }")
        assert len(caplog.messages) == 1
        assert caplog.messages[0].startswith("Query.a: ")
        assert "asked" in caplog.messages[0]

    async def test_the_data_of_an_error_is_filtered_and_the_info_is_not(self) -> None:
        code = js("util.error('e', 'E', { items: 1, id: 'x', name: 'n' }, { id: 'x', name: 'n' })")
        response = await Api(SDL, code={"Query.item": code}).run("{ item { i: id __typename } }")
        assert response["errors"][0]["data"] == {"i": "x", "__typename": "Item"}
        assert response["errors"][0]["errorInfo"] == {"id": "x", "name": "n"}


class TestPipeline:
    async def test_each_function_sees_the_value_before_it(self) -> None:
        step = js("({ payload: { was: ctx.prev.result } })", "({ ...ctx.result, n: (ctx.prev.result.n ?? 0) + 1 })")
        code = js("({ n: 10 })", "({ result: ctx.result, prev: ctx.prev.result })")
        api = Api(SDL, resolvers=[pipeline(code, "f", "g")], functions=[function("f", step), function("g", step)])
        last = {"was": {"was": {"n": 10}, "n": 11}, "n": 12}
        assert decoded(await api.run("{ a }")) == {"result": last, "prev": last}

    async def test_the_stash_is_shared_by_all_functions(self) -> None:
        step = """
        export function request(ctx) { ctx.stash.log.push(ctx.args.x); ctx.args.x += 1; return {}; }
        export function response(ctx) { return null; }
        """
        code = """
        export function request(ctx) { ctx.stash.log = []; return {}; }
        export function response(ctx) { return { log: ctx.stash.log, x: ctx.args.x }; }
        """
        api = Api(SDL, resolvers=[pipeline(code, "f", "g")], functions=[function("f", step), function("g", step)])
        assert decoded(await api.run("{ a(x: 1) }")) == {"log": [1, 2], "x": 3}

    async def test_the_first_request_handler_has_no_prev(self) -> None:
        code = js("({ prev: ctx.prev ?? 'none' })", "ctx.prev.result")
        assert decoded(await Api(SDL, resolvers=[pipeline(code)]).run("{ a }")) == {"prev": "none"}

    async def test_a_function_s_error_is_seen_in_its_own_response_handler_only(self) -> None:
        observe = js("({ payload: { error: ctx.error } })", "({ own: ctx.error, before: ctx.result?.error })")
        code = js("{}", "({ last: ctx.result, error: ctx.error })")
        api = Api(
            SDL,
            resolvers=[pipeline(code, "bad", "good")],
            functions=[function("bad", js("{}", "ctx.error"), "broken"), function("good", observe)],
            sources={"broken": failing("no", "E")},
        )
        result = decoded(await api.run("{ a }"))
        assert result == {"last": {"own": None, "before": None}, "error": None}

    async def test_util_error_ends_the_whole_pipeline(self) -> None:
        after = Function(lambda _context: 1)
        api = Api(
            SDL,
            resolvers=[pipeline(js(), "stop", "after")],
            functions=[function("stop", js("util.error('stop', 'S')")), function("after", js(), "after")],
            sources={"after": after},
        )
        response = await api.run("{ a }")
        assert (response["errors"][0]["message"], after.calls) == ("stop", [])

    async def test_early_return_skips_to_the_next_function(self) -> None:
        source = Function(lambda _context: "called")
        skip = js("runtime.earlyReturn('early')", "'late'")
        api = Api(
            SDL,
            resolvers=[pipeline(js(), "skip", "next")],
            functions=[function("skip", skip, "source"), function("next", js("({ payload: ctx.prev.result + '!' })"))],
            sources={"source": source},
        )
        assert decoded(await api.run("{ a }")) == "early!"
        assert source.calls == []

    async def test_early_return_with_end_goes_to_the_resolver_s_response(self) -> None:
        end = js("runtime.earlyReturn('early', { skipTo: 'END' })")
        api = Api(
            SDL,
            resolvers=[pipeline(js("{}", "'resolver saw ' + ctx.result"), "end", "next")],
            functions=[function("end", end), function("next", js("({ payload: 'next' })"))],
        )
        assert decoded(await api.run("{ a }")) == "resolver saw early"

    async def test_early_return_in_the_resolver_s_request_skips_all_functions(self) -> None:
        source = Function(lambda _context: 1)
        code = js("runtime.earlyReturn('early')", "'response saw ' + ctx.prev.result")
        api = Api(
            SDL,
            resolvers=[pipeline(code, "f")],
            functions=[function("f", js(), "source")],
            sources={"source": source},
        )
        assert decoded(await api.run("{ a }")) == "response saw early"
        assert source.calls == []

    async def test_without_a_response_handler_the_value_is_the_last_function_s(self) -> None:
        api = Api(
            SDL,
            resolvers=[pipeline("export function request(ctx) { return {}; }", "f")],
            functions=[function("f", js("({ payload: 5 })"))],
        )
        assert decoded(await api.run("{ a }")) == 5

    async def test_a_function_without_code_is_direct(self) -> None:
        source = Function(lambda context: context.to_json()["prev"])
        api = Api(
            SDL,
            resolvers=[pipeline(js("({ n: 1 })"), "f")],
            functions=[function("f", None, "source")],
            sources={"source": source},
        )
        assert decoded(await api.run("{ a }")) == {"result": {"n": 1}}


class TestDirectLambda:
    async def test_the_answer_is_the_value(self) -> None:
        assert decoded(await Api(SDL, {"Query.a": lambda context: context.arguments}).run("{ a(x: 1) }")) == {"x": 1}

    async def test_the_error_type_is_the_exception_s_class(self) -> None:
        def fail(_context: Any) -> None:
            raise DataSourceError("bad", "CustomException")

        response = await Api(SDL, {"Query.b": fail}).run("{ b }")
        assert (response["errors"][0]["errorType"], response["errors"][0]["message"]) == ("CustomException", "bad")

    async def test_unauthorized_exceptions_are_masked(self) -> None:
        def fail(_context: Any) -> None:
            raise DataSourceError("user 7 has no right to b", "UnauthorizedException")

        response = await Api(SDL, {"Query.b": fail}).run("{ b }")
        assert response["errors"][0]["message"] == "You are not authorized to make this call."
        assert response["errors"][0]["errorType"] == "UnauthorizedException"

    async def test_the_lambda_data_source_gets_the_event_and_answers_or_fails(self) -> None:
        events: list[Any] = []

        async def invoke(function_arn: str, event: bytes) -> Invocation:
            events.append((function_arn, json.loads(event)))
            if len(events) == 1:
                return Invocation(b'{"n":1}', None, b"")
            return Invocation(b'{"errorMessage":"bad","errorType":"CustomException"}', "Unhandled", b"")

        source = LambdaDataSource("arn:f", invoke=invoke, client=lambda service: service)
        code = js(
            "({ operation: 'Invoke', payload: 5 })",
            "ctx.error ? util.error(ctx.error.message, ctx.error.type) : ctx.result",
        )
        api = Api(SDL, resolvers=[unit(None), unit(code, coordinate="Mutation.set")], sources={"source": source})
        assert decoded(await api.run("{ a(x: 1) }")) == {"n": 1}
        assert events[0][0] == "arn:f"
        assert events[0][1]["arguments"] == {"x": 1}
        direct, handled = await api.run("{ a }"), await api.run("mutation { set }")
        assert direct["errors"][0]["errorType"] == "CustomException"
        assert handled["errors"][0]["errorType"] == "Lambda:Unhandled"
        assert events[2][1] == 5


class TestBatches:
    def items(self, count: int) -> dict[str, Any]:
        return {"Query.items": lambda _context: [{"id": str(number)} for number in range(count)]}

    def batched(self, size: int, code: str | None = None) -> list[ResolverDefinition]:
        return [unit(code, "names", "Item.name", max_batch_size=size)]

    async def test_siblings_are_collected_into_invocations_of_at_most_the_batch_size(self) -> None:
        names = Function(lambda context: "n" + context.source["id"])
        api = Api(SDL, self.items(5), resolvers=self.batched(2), sources={"names": names})
        response = await api.run("{ items { name } }")
        assert [item["name"] for item in response["data"]["items"]] == ["n0", "n1", "n2", "n3", "n4"]
        assert names.calls == [2, 2, 1]

    async def test_without_a_batch_size_each_field_is_an_invocation(self) -> None:
        names = Function(lambda context: "n" + context.source["id"])
        api = Api(SDL, self.items(3), resolvers=self.batched(0), sources={"names": names})
        await api.run("{ items { name } }")
        assert names.calls == [1, 1, 1]

    async def test_an_item_may_fail_alone(self) -> None:
        def name(context: ResolverContext) -> str:
            if context.source["id"] == "1":
                raise DataSourceError("no name", "NotFound")
            return "n"

        api = Api(SDL, self.items(3), resolvers=self.batched(10), sources={"names": Function(name)})
        response = await api.run("{ items { name } }")
        assert response["data"]["items"] == [{"name": "n"}, {"name": None}, {"name": "n"}]
        assert [(error["path"], error["message"]) for error in response["errors"]] == [
            (["items", 1, "name"], "no name")
        ]

    async def test_a_javascript_resolver_batches_with_batch_invoke(self) -> None:
        names = Function(lambda context: "n" + context.source["id"])
        code = js("({ operation: 'BatchInvoke', payload: ctx.source.id })", "ctx.result + '!'")
        api = Api(SDL, self.items(3), resolvers=self.batched(10, code), sources={"names": names})
        response = await api.run("{ items { name } }")
        assert [item["name"] for item in response["data"]["items"]] == ["n0!", "n1!", "n2!"]
        assert names.calls == [3]
        assert [request["payload"] for request in names.requests] == ["0", "1", "2"]

    async def test_an_exception_fails_every_item_once_per_path(self) -> None:
        class Broken(Function):
            async def call_direct_batch(self, _contexts: Sequence[ResolverContext]) -> list[Any]:
                raise DataSourceError("down", "Lambda:Unhandled")

        api = Api(SDL, self.items(2), resolvers=self.batched(10), sources={"names": Broken(lambda _context: None)})
        response = await api.run("{ items { name } }")
        assert [error["path"] for error in response["errors"]] == [["items", 0, "name"], ["items", 1, "name"]]

    async def test_an_answer_of_the_wrong_length_fails_every_item(self) -> None:
        class Short(Function):
            async def call_direct_batch(self, _contexts: Sequence[ResolverContext]) -> list[Any]:
                return [None]

        api = Api(SDL, self.items(2), resolvers=self.batched(10), sources={"names": Short(lambda _context: None)})
        response = await api.run("{ items { name } }")
        assert {error["errorType"] for error in response["errors"]} == {"Lambda:IllegalArgument"}
        assert len(response["errors"]) == 2

    async def test_two_requests_never_share_a_batch(self) -> None:
        names = Function(lambda _context: "n")
        api = Api(SDL, self.items(2), resolvers=self.batched(10), sources={"names": names})
        await asyncio.gather(api.run("{ items { name } }"), api.run("{ items { name } }"))
        assert names.calls == [2, 2]


class TestBinding:
    def refused(self, **parts: Any) -> str:
        with pytest.raises(ResolverDefinitionError) as raised:
            Api(SDL, **parts)
        return str(raised.value)

    def test_a_resolver_of_an_unknown_field(self) -> None:
        assert self.refused(fields={"Query.zz": lambda _context: 1}) == "Query.zz: the schema has no such field"

    def test_an_unknown_data_source(self) -> None:
        assert self.refused(resolvers=[unit(js(), "zz")]) == "Query.a: there is no data source 'zz'"

    def test_an_unknown_function(self) -> None:
        assert self.refused(resolvers=[pipeline(js(), "zz")]) == "Query.a: there is no function 'zz'"

    def test_more_than_ten_functions(self) -> None:
        functions = [function(f"f{number}", js()) for number in range(11)]
        reason = self.refused(resolvers=[pipeline(js(), *(f.id for f in functions))], functions=functions)
        assert "11 functions" in reason

    def test_code_without_both_handlers(self) -> None:
        code = "export function request(ctx) { return {}; }"
        assert self.refused(code={"Query.a": code}) == "Query.a: its code exports no function 'response'"

    def test_no_code_on_a_data_source_that_is_no_function(self) -> None:
        assert "only a Lambda data source works without code" in self.refused(resolvers=[unit(None, "none")])

    def test_code_that_appsync_refuses_names_its_place(self) -> None:
        with pytest.raises(CodeError) as raised:
            Api(SDL, code={"Query.a": "export function request(ctx) {\n  while (true) {}\n}"})
        assert raised.value.file == "Query.a.js"
        assert raised.value.line == 2

    async def test_mapping_templates_are_refused_when_their_field_is_asked_for(self) -> None:
        template = unit(None, "none", request_template="{}", response_template="{}")
        response = await Api(SDL, {"Query.b": lambda _context: "b"}, resolvers=[template]).run("{ a b }")
        assert response["data"] == {"a": None, "b": "b"}
        assert response["errors"][0]["errorType"] == "NotEmulated"
        assert "mapping template of Query.a" in response["errors"][0]["message"]

    async def test_what_a_data_source_does_not_emulate_is_an_error_of_its_field(self) -> None:
        def refuse(_context: Any) -> None:
            raise NotEmulated("Sync", "there is no version table")

        response = await Api(SDL, {"Query.b": refuse}).run("{ b }")
        assert response["errors"][0]["errorType"] == "NotEmulated"
        assert "Sync" in response["errors"][0]["message"]
