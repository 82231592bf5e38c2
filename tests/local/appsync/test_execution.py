"""Execution: values, nulls, errors and limits as AppSync answers them (sheet 1.3, 1.4, 11)."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from local.appsync.datasources import DataSourceError
from local.appsync.limits import Limits
from tests.local.appsync.api import Api

SDL = """
type Query {
  hello: String
  number: Int
  person: Person
  people: [Person]
  strict: [Person!]!
  required: String!
  node: Node
  union: U
  when: AWSDateTime
  color: Color
  json: AWSJSON
  matrix: [[Int!]]
}
type Person implements Node { id: ID! name: String! age: Int boss: Person friends: [Person!] photo(size: Int): String }
type Dog implements Node { id: ID! barks: Boolean }
interface Node { id: ID! }
union U = Person | Dog
enum Color { RED }
type Mutation { first: Int second: Int third: Int must: Int! }
"""


async def run(query: str, fields: dict[str, Any], variables: dict[str, Any] | None = None, **settings: Any) -> Any:
    """The response when each root field of Query answers a constant or what a function returns."""
    answers = {
        coordinate if "." in coordinate else f"Query.{coordinate}": value if callable(value) else _constant(value)
        for coordinate, value in fields.items()
    }
    return await Api(SDL, answers, **settings).run(query, variables)


def _constant(value: Any) -> Any:
    return lambda _context: value


def messages(response: Any) -> list[str]:
    return [error["message"] for error in response["errors"]]


class TestValues:
    async def test_a_response_without_errors_has_no_errors_key(self) -> None:
        assert await run("{ hello }", {"hello": "world"}) == {"data": {"hello": "world"}}

    async def test_data_comes_before_errors(self) -> None:
        result = await Api(SDL, {"Query.required": _constant(None)}).result("{ required }")
        assert list(json.loads(result.body)) == ["data", "errors"]

    async def test_keys_come_in_selection_order_whichever_resolver_is_first(self) -> None:
        async def slow(_context: Any) -> str:
            await asyncio.sleep(0)
            return "slow"

        response = await run("{ b: hello number a: hello }", {"hello": slow, "number": 1})
        assert list(response["data"]) == ["b", "number", "a"]

    async def test_a_field_without_resolver_and_value_is_null_without_error(self) -> None:
        assert await run("{ hello person { age boss { id } } }", {"person": {"id": "1"}}) == {
            "data": {"hello": None, "person": {"age": None, "boss": None}}
        }

    async def test_extra_properties_are_ignored(self) -> None:
        assert await run("{ person { id } }", {"person": {"id": "1", "more": 2}}) == {"data": {"person": {"id": "1"}}}

    async def test_aliases_read_the_same_property(self) -> None:
        response = await run("{ p: person { a: id b: id } }", {"person": {"id": "1"}})
        assert response == {"data": {"p": {"a": "1", "b": "1"}}}

    async def test_the_default_resolver_takes_the_property_of_the_field_name(self) -> None:
        response = await run("{ person { boss { boss { id } } } }", {"person": {"boss": {"boss": {"id": 3}}}})
        assert response == {"data": {"person": {"boss": {"boss": {"id": "3"}}}}}

    async def test_a_string_for_an_int_field_comes_out_as_a_number(self) -> None:
        assert await run("{ number }", {"number": "100"}) == {"data": {"number": 100}}

    async def test_typename_is_known_without_the_resolver(self) -> None:
        response = await run("{ __typename t: __typename person { __typename } }", {"person": {}})
        assert response == {"data": {"__typename": "Query", "t": "Query", "person": {"__typename": "Person"}}}

    async def test_nested_lists(self) -> None:
        assert await run("{ matrix }", {"matrix": [[1, 2], None, []]}) == {"data": {"matrix": [[1, 2], None, []]}}

    async def test_awsjson_comes_out_as_text(self) -> None:
        assert await run("{ json }", {"json": {"a": [1]}}) == {"data": {"json": '{"a":[1]}'}}

    async def test_a_scalar_where_an_object_is_expected_has_only_null_fields(self) -> None:
        assert await run("{ person { age } }", {"person": "text"}) == {"data": {"person": {"age": None}}}


class TestFragments:
    async def test_fragments_are_flattened_and_merged(self) -> None:
        query = """
            { person { ...A ... on Person { boss { name } } ... { age } } }
            fragment A on Person { boss { id } ...B }
            fragment B on Node { id }
        """
        person = {"id": "1", "age": 5, "boss": {"id": "2", "name": "b"}}
        assert await run(query, {"person": person}) == {
            "data": {"person": {"boss": {"id": "2", "name": "b"}, "id": "1", "age": 5}}
        }

    async def test_an_interface_takes_the_fields_of_the_concrete_type(self) -> None:
        query = "{ node { id __typename ... on Dog { barks } ... on Person { name } } }"
        assert await run(query, {"node": {"__typename": "Dog", "id": "1", "barks": True}}) == {
            "data": {"node": {"id": "1", "__typename": "Dog", "barks": True}}
        }

    async def test_a_union_takes_the_fields_of_the_concrete_type(self) -> None:
        query = "{ union { ... on Dog { id } ... on Person { name } ... on Node { n: id } } }"
        assert await run(query, {"union": {"__typename": "Person", "id": "1", "name": "p"}}) == {
            "data": {"union": {"name": "p", "n": "1"}}
        }

    async def test_an_abstract_value_without_typename_is_an_error(self) -> None:
        # Wording as in serverless-appsync-plugin #603.
        response = await run("{ node { id } }", {"node": {"id": "1"}})
        assert response == {
            "data": {"node": None},
            "errors": [
                {
                    "path": ["node"],
                    "locations": None,
                    "message": "Can't resolve '/node'. Abstract type 'Node' must resolve to an Object type at runtime "
                    "for field 'Query.node'. Could not determine the exact type of Node. Missing __typename key on "
                    "value.'",
                }
            ],
        }

    @pytest.mark.parametrize("value", [{"__typename": "Color"}, {"__typename": "Nope"}, "text"])
    async def test_an_abstract_value_of_another_type_is_an_error(self, value: Any) -> None:
        response = await run("{ node { id } }", {"node": value})
        assert response["data"] == {"node": None}
        assert "Abstract type 'Node' must resolve to an Object type" in messages(response)[0]

    @pytest.mark.parametrize(
        ("variables", "keys"),
        [
            ({"yes": True, "no": False}, ["hello", "number"]),
            ({"yes": False, "no": True}, []),
            ({"yes": True, "no": True}, ["hello"]),
        ],
    )
    async def test_skip_and_include_decide_per_request(self, variables: dict[str, Any], keys: list[str]) -> None:
        query = """query ($yes: Boolean!, $no: Boolean = false) {
            hello @include(if: $yes)
            ... @skip(if: $no) { number }
            person @include(if: false) { id }
        }"""
        response = await run(query, {"hello": "h", "number": 1}, variables)
        assert list(response["data"]) == keys

    async def test_each_outcome_of_the_conditions_is_compiled_once(self) -> None:
        api = Api(SDL)
        for yes in (True, False, True, False):
            await api.run("query ($yes: Boolean!) { hello @include(if: $yes) }", {"yes": yes})
        assert api.engine.metrics.plans_compiled == 2
        assert api.engine.metrics.documents_validated == 1


class TestNulls:
    async def test_a_null_for_a_non_null_field_names_type_parent_and_path(self) -> None:
        response = await run("{ person { name } }", {"person": {"id": "1"}})
        assert response == {
            "data": {"person": None},
            "errors": [
                {
                    "path": ["person", "name"],
                    "locations": None,
                    "message": "Cannot return null for non-nullable type: 'String' within parent 'Person' "
                    "(/person/name)",
                }
            ],
        }
        assert list(response["errors"][0]) == ["path", "locations", "message"]

    async def test_every_offending_leaf_is_reported(self) -> None:
        response = await run("{ person { id name age } }", {"person": {}})
        assert response["data"] == {"person": None}
        assert messages(response) == [
            "Cannot return null for non-nullable type: 'ID' within parent 'Person' (/person/id)",
            "Cannot return null for non-nullable type: 'String' within parent 'Person' (/person/name)",
        ]

    async def test_list_paths_use_brackets_in_the_text_and_integers_in_the_path(self) -> None:
        response = await run("{ people { name } }", {"people": [{"name": "a"}, {"name": None}]})
        assert response["data"] == {"people": [{"name": "a"}, None]}
        assert response["errors"][0]["path"] == ["people", 1, "name"]
        assert "(/people[1]/name)" in messages(response)[0]

    async def test_a_null_bubbles_to_the_nearest_nullable_parent(self) -> None:
        response = await run("{ hello strict { name } }", {"hello": "h", "strict": [{"name": "a"}, {}]})
        assert response["data"] is None
        assert response["errors"][0]["path"] == ["strict", 1, "name"]

    async def test_a_null_item_of_a_list_of_non_null_is_an_error(self) -> None:
        response = await run("{ hello matrix }", {"hello": "h", "matrix": [[1, None], [2]]})
        assert response["data"] == {"hello": "h", "matrix": [None, [2]]}
        assert response["errors"][0]["path"] == ["matrix", 0, 1]

    async def test_a_null_that_comes_from_a_nested_resolver_bubbles_too(self) -> None:
        answers = {
            "people": [{"id": "1", "friends": [{"id": "2"}, {"id": "3"}]}],
            "Person.name": lambda context: None if context.source["id"] == "3" else "n",
        }
        response = await run("{ people { name friends { id name } } }", answers)
        assert response["data"] == {"people": [{"name": "n", "friends": None}]}
        assert [error["path"] for error in response["errors"]] == [["people", 0, "friends", 1, "name"]]

    async def test_a_null_root_field_that_is_required_makes_data_null(self) -> None:
        response = await run("{ hello required }", {"hello": "h", "required": None})
        assert response["data"] is None
        assert messages(response) == [
            "Cannot return null for non-nullable type: 'String' within parent 'Query' (/required)"
        ]


class TestMismatches:
    async def test_an_object_for_a_list(self) -> None:
        assert await run("{ people { id } }", {"people": {"id": "1"}}) == {
            "data": {"people": None},
            "errors": [
                {
                    "path": ["people"],
                    "locations": None,
                    "message": "Can't resolve value (/people) : type mismatch error, expected type LIST, got OBJECT",
                }
            ],
        }

    async def test_a_bad_scalar_is_null_and_the_rest_is_kept(self) -> None:
        value = "2020-05-23T06:4:37.000Z"
        assert await run("{ hello when }", {"hello": "h", "when": value}) == {
            "data": {"hello": "h", "when": None},
            "errors": [
                {
                    "path": ["when"],
                    "locations": None,
                    "message": f"Can't serialize value (/when) : Unable to serialize `{value}` as a valid DateTime "
                    "Object.",
                }
            ],
        }

    async def test_an_unknown_enum_value(self) -> None:
        response = await run("{ color }", {"color": "PINK"})
        assert messages(response) == [
            "Can't serialize value (/color) : Invalid input for Enum 'Color'. Unknown value 'PINK'"
        ]

    async def test_a_bad_scalar_of_a_non_null_field_is_one_error(self) -> None:
        response = await run("{ matrix }", {"matrix": [["x"]]})
        assert response["data"] == {"matrix": [None]}
        assert len(response["errors"]) == 1


class TestResolverErrors:
    async def test_the_error_object_has_its_six_keys_in_order(self) -> None:
        def fail(_context: Any) -> None:
            raise DataSourceError("bad luck", "CustomException")

        response = await run("{\n  hello\n}", {"hello": fail})
        assert response == {
            "data": {"hello": None},
            "errors": [
                {
                    "path": ["hello"],
                    "data": None,
                    "errorType": "CustomException",
                    "errorInfo": None,
                    "locations": [{"line": 2, "column": 3, "sourceName": None}],
                    "message": "bad luck",
                }
            ],
        }
        assert list(response["errors"][0]) == ["path", "data", "errorType", "errorInfo", "locations", "message"]

    async def test_a_failed_non_null_field_is_one_error_and_bubbles(self) -> None:
        def fail(_context: Any) -> None:
            raise DataSourceError("bad luck", "E")

        response = await run("{ hello required }", {"hello": "h", "required": fail})
        assert response["data"] is None
        assert messages(response) == ["bad luck"]

    async def test_one_field_fails_and_the_others_answer(self) -> None:
        def fail(context: Any) -> str:
            if context.source["id"] == "2":
                raise DataSourceError("no photo", "NotFound")
            return f"p{context.source['id']}"

        people = [{"id": "1"}, {"id": "2"}, {"id": "3"}]
        response = await run("{ people { photo } }", {"people": people, "Person.photo": fail})
        assert response["data"] == {"people": [{"photo": "p1"}, {"photo": None}, {"photo": "p3"}]}
        assert response["errors"][0]["path"] == ["people", 1, "photo"]

    async def test_a_bug_of_a_data_source_fails_its_field_only(self) -> None:
        def bug(_context: Any) -> None:
            raise ZeroDivisionError("oops")

        response = await run("{ hello number }", {"hello": bug, "number": 1})
        assert response["data"] == {"hello": None, "number": 1}
        assert response["errors"][0]["errorType"] == "InternalFailure"
        assert messages(response) == ["ZeroDivisionError: oops"]


class TestOrder:
    async def test_query_fields_and_siblings_run_in_parallel(self) -> None:
        together = asyncio.Barrier(4)

        async def meet(_context: Any) -> str:
            async with asyncio.timeout(5):
                await together.wait()
            return "met"

        answers = {"people": [{"id": "1"}, {"id": "2"}], "hello": meet, "required": meet, "Person.photo": meet}
        response = await run("{ hello required people { photo } }", answers)
        assert response["data"]["people"] == [{"photo": "met"}, {"photo": "met"}]

    async def test_mutation_fields_run_one_after_the_other(self) -> None:
        log: list[str] = []

        def step(name: str) -> Any:
            async def answer(_context: Any) -> int:
                log.append(f"{name} begins")
                await asyncio.sleep(0)
                log.append(f"{name} ends")
                return len(log)

            return answer

        fields = {f"Mutation.{name}": step(name) for name in ("first", "second", "third")}
        response = await run("mutation { second a: first third }", fields)
        assert log == [f"{name} {what}" for name in ("second", "first", "third") for what in ("begins", "ends")]
        assert response == {"data": {"second": 2, "a": 4, "third": 6}}

    async def test_a_failed_mutation_field_does_not_stop_the_next(self) -> None:
        def fail(_context: Any) -> None:
            raise DataSourceError("no", "E")

        response = await run("mutation { first second }", {"Mutation.first": fail, "Mutation.second": lambda _c: 2})
        assert response["data"] == {"first": None, "second": 2}

    async def test_a_null_in_a_required_mutation_field_makes_data_null(self) -> None:
        response = await run("mutation { first must }", {"Mutation.first": lambda _c: 1})
        assert response["data"] is None

    async def test_plain_properties_start_no_task(self) -> None:
        started: list[Any] = []
        loop = asyncio.get_running_loop()

        def factory(loop: asyncio.AbstractEventLoop, coroutine: Any, **options: Any) -> asyncio.Task[Any]:
            started.append(coroutine)
            return asyncio.Task(coroutine, loop=loop, **options)

        loop.set_task_factory(factory)
        try:
            await run("{ people { id name age } }", {"people": [{"id": "1", "name": "n"}] * 50})
        finally:
            loop.set_task_factory(None)
        assert started == []


class TestLimits:
    async def test_fields_below_the_depth_limit_are_null_with_an_error(self) -> None:
        person = {"id": "1", "name": "n", "age": 3, "boss": {"age": 4}}
        response = await run(
            "{ hello person { age boss { age } } }", {"hello": "h", "person": person}, query_depth_limit=2
        )
        assert response["data"] == {"hello": "h", "person": {"age": 3, "boss": {"age": None}}}
        assert [(error["errorType"], error["path"]) for error in response["errors"]] == [
            ("QueryDepthLimitReached", ["person", "boss", "age"])
        ]

    async def test_beyond_the_depth_limit_a_non_null_field_bubbles(self) -> None:
        person = {"boss": {"name": "b"}}
        response = await run("{ person { boss { name } } }", {"person": person}, query_depth_limit=2)
        assert response["data"] == {"person": {"boss": None}}

    async def test_a_query_of_exactly_the_depth_limit_runs(self) -> None:
        response = await run("{ person { boss { age } } }", {"person": {"boss": {"age": 4}}}, query_depth_limit=3)
        assert "errors" not in response

    async def test_resolvers_beyond_the_count_limit_are_not_run(self) -> None:
        calls: list[str] = []

        def photo(context: Any) -> str:
            calls.append(context.source["id"])
            return "p"

        people = [{"id": str(number)} for number in range(4)]
        response = await run("{ people { photo } }", {"people": people, "Person.photo": photo}, resolver_count_limit=3)
        assert calls == ["0", "1"]
        assert response["data"]["people"] == [{"photo": "p"}, {"photo": "p"}, {"photo": None}, {"photo": None}]
        assert {(error["errorType"], error["message"]) for error in response["errors"]} == {
            ("ResolverExecutionLimitReached", "Resolver invocation limit reached.")
        }

    async def test_at_the_time_limit_each_waiting_field_is_an_error_and_the_rest_is_kept(self) -> None:
        waiting: list[str] = []

        async def never(context: Any) -> None:
            waiting.append(context.info.field_name)
            try:
                await asyncio.Event().wait()
            finally:
                waiting.remove(context.info.field_name)

        people = [{"id": "1"}, {"id": "2"}]
        response = await run(
            "{ hello number people { id photo } }",
            {"hello": never, "number": 1, "people": people, "Person.photo": never},
            limits=Limits(request_seconds=0.05),
        )
        assert response["data"] == {
            "hello": None,
            "number": 1,
            "people": [{"id": "1", "photo": None}, {"id": "2", "photo": None}],
        }
        assert sorted(str(error["path"]) for error in response["errors"]) == [
            "['hello']",
            "['people', 0, 'photo']",
            "['people', 1, 'photo']",
        ]
        assert {(error["errorType"], error["message"]) for error in response["errors"]} == {
            ("ExecutionTimeout", "Execution timed out.")
        }
        assert waiting == []

    async def test_after_the_time_limit_no_further_mutation_field_runs(self) -> None:
        async def never(_context: Any) -> None:
            await asyncio.Event().wait()

        api = Api(SDL, {"Mutation.first": never, "Mutation.second": lambda _c: 2}, limits=Limits(request_seconds=0.01))
        response = await api.run("mutation { first second }")
        assert response["data"] == {"first": None, "second": None}
        assert [error["path"] for error in response["errors"]] == [["first"], ["second"]]
        assert api.functions["Mutation.second"].calls == []

    async def test_a_cancelled_request_is_cancelled(self) -> None:
        entered = asyncio.Event()

        async def never(_context: Any) -> None:
            entered.set()
            await asyncio.Event().wait()

        task = asyncio.ensure_future(run("{ hello number }", {"hello": never, "number": never}))
        await entered.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


class TestIntrospection:
    async def test_the_schema_can_be_asked(self) -> None:
        query = '{ __schema { queryType { name } } p: __type(name: "Person") { fields { name } } hello }'
        response = await run(query, {"hello": "h"})
        assert response["data"]["__schema"] == {"queryType": {"name": "Query"}}
        assert [field["name"] for field in response["data"]["p"]["fields"]][:2] == ["id", "name"]
        assert response["data"]["hello"] == "h"

    async def test_variables_and_fragments_work(self) -> None:
        query = "query ($n: String!) { __type(name: $n) { ...F } } fragment F on __Type { kind name }"
        api = Api(SDL)
        for name in ("Person", "Dog"):
            assert (await api.run(query, {"n": name}))["data"] == {"__type": {"kind": "OBJECT", "name": name}}

    async def test_switched_off_it_is_a_validation_error_and_typename_works(self) -> None:
        api = Api(SDL, introspection=False)
        response = await api.run("{ __schema { queryType { name } } }")
        assert response["data"] is None
        assert "Field '__schema' in type 'Query' is undefined" in messages(response)[0]
        assert await api.run("{ __typename }") == {"data": {"__typename": "Query"}}


async def test_a_subscription_over_http_is_refused() -> None:
    api = Api(SDL + "type Subscription { on: Int }")
    response = await api.run("subscription { on }")
    assert response["data"] is None
    assert response["errors"][0]["errorType"] == "OperationNotSupported"


async def test_a_schema_without_mutations_refuses_one() -> None:
    response = await Api("type Query { a: ID }").run("mutation { a }")
    assert response["data"] is None
    assert "mutation" in messages(response)[0]


async def test_integers_beyond_64_bits_are_no_internal_error() -> None:
    response = await run("{ json }", {"json": {"n": 2**70}})
    assert response["data"]["json"] is not None


async def test_awsjson_nested_too_deeply_is_an_error_of_its_field() -> None:
    value: list[Any] = []
    for _ in range(5_000):
        value = [value]
    response = await run("{ hello json }", {"hello": "h", "json": value})
    assert response["data"] == {"hello": "h", "json": None}


async def test_deep_selections_run() -> None:
    boss: dict[str, Any] = {"age": 1}
    for _ in range(190):
        boss = {"boss": boss}
    response = await run("{ person " + "{ boss " * 190 + "{ age }" + " }" * 190 + " }", {"person": boss})
    assert "errors" not in response
