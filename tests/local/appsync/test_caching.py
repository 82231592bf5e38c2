"""The API cache: whole resolvers with their keys and times, evictions, and whole operations (sheet 4.8)."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

import pytest

from local.appsync.caching import Entries
from local.appsync.context import ResolverContext
from local.appsync.datasources import DataSourceError
from local.appsync.definition import (
    AuthMode,
    CacheDefinition,
    CachingBehavior,
    FunctionDefinition,
    ResolverDefinition,
)
from local.appsync.request import Caller
from local.appsync.resolvers import ResolverDefinitionError
from tests.local.appsync.api import API_KEY_CALLER, Api, Function, js

SDL = """
input Filter { area: String sizes: [Int] }
type Query { note(id: ID, n: Float, filter: Filter): Note other: Int json(value: AWSJSON): AWSJSON users: [User] }
type Mutation { touch(id: ID): Int fail(id: ID): Int }
type Note { id: ID version: Int }
type User { id: ID profile: Int }
"""


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def counted() -> Function:
    """Answers 1, 2, 3, ... as a note's version."""
    numbers = itertools.count(1)
    return Function(lambda context: {"id": context.arguments.get("id"), "version": next(numbers)})


def config(*keys: str, ttl: float = 60) -> dict[str, Any]:
    return {"Ttl": ttl} | ({"CachingKeys": list(keys)} if keys else {})


def note(caching: Mapping[str, Any] | None, **more: Any) -> ResolverDefinition:
    return ResolverDefinition("Query", "note", data_source="notes", caching=caching, **more)


PER_RESOLVER = CacheDefinition(CachingBehavior.PER_RESOLVER_CACHING, 3600)
FULL = CacheDefinition(CachingBehavior.FULL_REQUEST_CACHING, 30)
WHOLE_OPERATIONS = CacheDefinition(CachingBehavior.OPERATION_LEVEL_CACHING, 30)


def cached(
    caching: Mapping[str, Any] | None = None, cache: CacheDefinition | None = PER_RESOLVER, **more: Any
) -> tuple[Api, Clock]:
    """An API with `Query.note` cached as told."""
    clock = Clock()
    more.setdefault("sources", {"notes": counted()})
    more.setdefault("resolvers", [note(config() if caching is None else caching)])
    return Api(SDL, cache=cache, clock=clock, **more), clock


async def version(api: Api, arguments: str = '(id: "1")', caller: Caller = API_KEY_CALLER) -> int:
    response = await api.run(f"{{ note{arguments} {{ version }} }}", caller=caller)
    assert "errors" not in response, response
    found: int = response["data"]["note"]["version"]
    return found


def user(sub: str, **more: Any) -> Caller:
    return Caller(AuthMode.API_KEY, {"sub": sub, **more})


class TestPerResolver:
    async def test_a_result_is_kept_for_its_time(self) -> None:
        api, clock = cached(config(ttl=60))
        assert await version(api) == 1
        clock.now += 59.9
        assert await version(api) == 1
        clock.now += 0.1
        assert await version(api) == 2

    async def test_without_a_cache_a_caching_config_does_nothing(self) -> None:
        api, _ = cached(cache=None)
        assert [await version(api), await version(api)] == [1, 2]

    async def test_a_resolver_without_a_caching_config_is_not_cached(self) -> None:
        api, _ = cached(resolvers=[note(None)])
        assert [await version(api), await version(api)] == [1, 2]

    async def test_arguments_and_identity_are_the_default_keys(self) -> None:
        api, _ = cached()
        calls = (
            ('(id: "1")', API_KEY_CALLER),
            ('(id: "2")', API_KEY_CALLER),
            ('(id: "1")', user("a")),
            ('(id: "1")', user("b")),
        )
        assert [await version(api, *call) for call in calls] == [1, 2, 3, 4]
        assert [await version(api, *call) for call in calls] == [1, 2, 3, 4]

    async def test_the_source_is_a_default_key(self) -> None:
        profiles = Function(lambda context: int(context.source["id"]))
        resolvers = [ResolverDefinition("User", "profile", data_source="profiles", caching=config())]
        users = {"Query.users": lambda _context: [{"id": "1"}, {"id": "2"}]}
        api, _ = cached(resolvers=resolvers, sources={"profiles": profiles}, fields=users)
        for _ in range(2):
            response = await api.run("{ users { profile } }")
            assert response["data"]["users"] == [{"profile": 1}, {"profile": 2}]
        assert profiles.calls == [1, 1]

    async def test_keys_of_fields_leave_the_rest_out(self) -> None:
        api, _ = cached(config("$context.arguments.id", "$context.identity.sub"))
        assert await version(api, '(id: "1", n: 1)', user("a", ip="x")) == 1
        assert await version(api, '(n: 2, id: "1")', user("a", ip="y")) == 1
        assert await version(api, '(id: "1")', user("b")) == 2

    async def test_a_whole_map_may_be_a_key(self) -> None:
        api, _ = cached(config("$context.args"))
        assert await version(api, '(filter: {area: "x", sizes: [1]}, n: 1)', user("a")) == 1
        assert await version(api, '(n: 1, filter: {sizes: [1], area: "x"})', user("b")) == 1
        assert await version(api, '(n: 1, filter: {sizes: [2], area: "x"})', user("b")) == 2

    async def test_a_key_may_be_nested(self) -> None:
        api, _ = cached(config("$context.arguments.filter.area"))
        assert await version(api, '(filter: {area: "x", sizes: [1]})') == 1
        assert await version(api, '(filter: {area: "x", sizes: [2]})') == 1
        assert await version(api, '(filter: {area: "y"})') == 2

    @pytest.mark.parametrize("arguments", ["", "(id: null)", '(n: 1, filter: {area: "x"})'])
    async def test_a_key_without_a_value_means_no_caching(self, arguments: str) -> None:
        api, _ = cached(config("$context.arguments.id"))
        assert [await version(api, arguments), await version(api, arguments)] == [1, 2]

    async def test_a_key_that_is_no_plain_value_means_no_caching(self) -> None:
        api, _ = cached(config("$context.arguments.filter"))
        arguments = '(filter: {area: "x"})'
        assert [await version(api, arguments), await version(api, arguments)] == [1, 2]

    async def test_null_is_a_result(self) -> None:
        nothing = Function(lambda _context: None)
        api, _ = cached(sources={"notes": nothing})
        for _ in range(2):
            assert (await api.run("{ note { id } }"))["data"] == {"note": None}
        assert nothing.calls == [1]

    async def test_errors_are_not_cached(self) -> None:
        answers: list[Any] = [DataSourceError("no", "Lambda:Unhandled"), {"version": 2}]

        def answer(_context: ResolverContext) -> Any:
            each = answers.pop(0)
            if isinstance(each, Exception):
                raise each
            return each

        api, _ = cached(sources={"notes": Function(answer)})
        assert (await api.run('{ note(id: "1") { version } }'))["errors"][0]["message"] == "no"
        assert await version(api) == 2
        assert await version(api) == 2

    async def test_a_result_with_appended_errors_is_not_cached(self) -> None:
        code = "import { util } from '@aws-appsync/utils';\n" + (
            "export function request(ctx) { return {}; }\n"
            "export function response(ctx) { util.appendError('half'); return ctx.result; }"
        )
        notes = counted()
        api, _ = cached(resolvers=[note(config(), code=code)], sources={"notes": notes})
        for expected in (1, 2):
            response = await api.run('{ note(id: "1") { version } }')
            assert response["data"]["note"]["version"] == expected
            assert response["errors"][0]["message"] == "half"

    async def test_a_pipeline_is_cached_as_a_whole(self) -> None:
        notes = counted()
        resolver = ResolverDefinition(
            "Query", "note", kind="PIPELINE", code=js(), functions=("f", "f"), caching=config("$context.arguments.id")
        )
        functions = [FunctionDefinition("f", "f", "notes", js())]
        api, _ = cached(resolvers=[resolver], functions=functions, sources={"notes": notes})
        assert [await version(api), await version(api)] == [2, 2]
        assert len(notes.calls) == 2

    async def test_what_is_kept_is_the_value_and_not_the_selection(self) -> None:
        api, _ = cached()
        assert await version(api) == 1
        response = await api.run('{ a: note(id: "1") { id v: version } }')
        assert response["data"]["a"] == {"id": "1", "v": 1}

    async def test_mutations_are_never_cached(self) -> None:
        touched = Function(lambda _context: 1)
        resolver = ResolverDefinition("Mutation", "touch", data_source="touched", caching=config())
        api, _ = cached(resolvers=[resolver], sources={"touched": touched})
        await api.run("mutation { touch }")
        await api.run("mutation { touch }")
        assert touched.calls == [1, 1]


class TestConfiguration:
    @pytest.mark.parametrize(
        ("caching", "reason"),
        [
            ({"CachingKeys": ["$context.arguments.id"]}, "Ttl of 1 to 3600 seconds"),
            (config(ttl=0.5), "Ttl of 1 to 3600 seconds"),
            (config(ttl=3601), "Ttl of 1 to 3600 seconds"),
            (config("$context.request.headers"), "Caching keys need to start with"),
            (config("arguments.id"), "Caching keys need to start with"),
            (config("$context.identity.claims.custom:tenant"), "Caching keys need to start with"),
            (config(*[f"$context.arguments.a{n}" for n in range(26)]), "26 caching keys, the limit is 25"),
        ],
    )
    @pytest.mark.parametrize("cache", [None, PER_RESOLVER], ids=["no cache", "cache"])
    def test_what_appsync_would_not_accept(
        self, caching: dict[str, Any], reason: str, cache: CacheDefinition | None
    ) -> None:
        with pytest.raises(ResolverDefinitionError, match=f"^Query.note: .*{reason}"):
            cached(caching, cache)


class TestFullRequest:
    async def test_every_resolver_of_a_query_is_cached_for_the_caches_time(self) -> None:
        other = Function(lambda _context: 7)
        resolvers = [note(None), ResolverDefinition("Query", "other", data_source="other")]
        api, clock = cached(cache=FULL, resolvers=resolvers, sources={"notes": counted(), "other": other})
        for _ in range(2):
            assert await version(api) == 1
            assert (await api.run("{ other }"))["data"] == {"other": 7}
        assert other.calls == [1]
        clock.now += 30
        assert await version(api) == 2

    async def test_mutations_are_not(self) -> None:
        touched = Function(lambda _context: 1)
        resolvers = [ResolverDefinition("Mutation", "touch", data_source="touched")]
        api, _ = cached(cache=FULL, resolvers=resolvers, sources={"touched": touched})
        await api.run("mutation { touch }")
        await api.run("mutation { touch }")
        assert touched.calls == [1, 1]


def evicting(keys: str, then: str = "1", handler: str = "response") -> str:
    """A mutation's code that evicts `Query.note`."""
    other = "request" if handler == "response" else "response"
    return (
        "import { util, extensions } from '@aws-appsync/utils';\n"
        f"export function {handler}(ctx) {{ extensions.evictFromApiCache('Query', 'note', {keys}); return {then}; }}\n"
        f"export function {other}(ctx) {{ return {{}}; }}"
    )


class TestEviction:
    def api(self, keys: str, *caching_keys: str, **more: Any) -> Api:
        caching = config(*(caching_keys or ("$context.arguments.id",)))
        api, _ = cached(caching, code={"Mutation.touch": evicting(keys, **more)})
        return api

    @pytest.mark.parametrize("name", ["context.arguments.id", "ctx.args.id", "$context.arguments.id"])
    async def test_a_mutation_evicts_an_entry_and_the_response_says_so(self, name: str) -> None:
        api = self.api(f"{{ '{name}': ctx.args.id }}")
        assert [await version(api), await version(api, '(id: "2")')] == [1, 2]
        response = await api.run('mutation { touch(id: "1") }')
        assert response == {"data": {"touch": 1}, "extensions": {"apiCacheEntriesDeleted": 1}}
        assert await version(api, '(id: "2")') == 2
        assert await version(api) == 3

    async def test_nothing_evicted_nothing_said(self) -> None:
        api = self.api("{ 'context.arguments.id': ctx.args.id }")
        await version(api)
        assert await api.run('mutation { touch(id: "9") }') == {"data": {"touch": 1}}
        assert await version(api) == 1

    async def test_several_evictions_are_added_up(self) -> None:
        api = self.api("{ 'context.arguments.id': ctx.args.id }")
        await version(api)
        await version(api, '(id: "2")')
        response = await api.run('mutation { a: touch(id: "1") b: touch(id: "2") c: touch(id: "1") }')
        assert response["extensions"] == {"apiCacheEntriesDeleted": 2}

    async def test_an_entry_that_has_expired_does_not_count(self) -> None:
        code = {"Mutation.touch": evicting("{ 'context.arguments.id': ctx.args.id }")}
        api, clock = cached(config("$context.arguments.id"), code=code)
        await version(api)
        clock.now += 60
        assert "extensions" not in await api.run('mutation { touch(id: "1") }')

    @pytest.mark.parametrize(
        ("keys", "deleted"),
        [
            ("{ 'ctx.identity.sub': 'a', 'ctx.args.n': 1 }", True),
            ("{ 'ctx.args.n': 1, 'ctx.identity.sub': 'a' }", False),
            ("{ 'ctx.identity.sub': 'a' }", False),
            ("{ 'ctx.identity.sub': 'a', 'ctx.args.n': null }", False),
            ("{}", False),
        ],
    )
    async def test_all_keys_are_given_in_their_order(self, keys: str, deleted: bool) -> None:
        api = self.api(keys, "$context.identity.sub", "$context.arguments.n")
        await version(api, "(n: 1.0)", user("a"))
        assert ("extensions" in await api.run("mutation { touch }")) == deleted

    async def test_a_whole_map_is_given_as_an_object(self) -> None:
        api = self.api("{ 'ctx.args': { filter: { sizes: [1] }, id: '1' } }", "$context.arguments")
        await version(api, '(id: "1", filter: {sizes: [1]})')
        assert (await api.run("mutation { touch }"))["extensions"] == {"apiCacheEntriesDeleted": 1}

    async def test_the_request_handler_may_evict_and_a_later_error_takes_nothing_back(self) -> None:
        failing = Function(lambda _context: None)
        keys = "{ 'ctx.args.id': ctx.args.id }"
        code = evicting(keys, "{ operation: 'Invoke' }", "request").replace("return {};", "util.error('late');")
        touch = ResolverDefinition("Mutation", "touch", data_source="failing", code=code)
        api, _ = cached(
            resolvers=[note(config("$context.arguments.id")), touch], sources={"notes": counted(), "failing": failing}
        )
        await version(api)
        response = await api.run('mutation { touch(id: "1") }')
        assert response["errors"][0]["message"] == "late"
        assert response["extensions"] == {"apiCacheEntriesDeleted": 1}
        assert await version(api) == 2

    async def test_a_query_evicts_nothing(self) -> None:
        code = {"Query.other": evicting("{ 'ctx.args.id': '1' }")}
        api, _ = cached(config("$context.arguments.id"), code=code)
        await version(api)
        assert await api.run("{ other }") == {"data": {"other": 1}}
        assert await version(api) == 1

    async def test_without_a_cache_nothing_happens(self) -> None:
        api, _ = cached(cache=None, code={"Mutation.touch": evicting("{ 'ctx.args.id': '1' }")})
        assert await api.run("mutation { touch }") == {"data": {"touch": 1}}


class TestWholeOperations:
    async def test_a_successful_response_is_kept(self) -> None:
        api, clock = cached(None, WHOLE_OPERATIONS, resolvers=[note(None)])
        first = await api.result('{ note(id: "1") { version } }')
        assert (await api.result('{ note(id: "1") { version } }')).body == first.body
        clock.now += 30
        assert await version(api) == 2

    async def test_everything_that_is_asked_counts(self) -> None:
        api, _ = cached(None, WHOLE_OPERATIONS, resolvers=[note(None)])
        query = "query Q($id: ID) { note(id: $id) { version } } query R { note { version } }"

        async def ask(variables: dict[str, Any], name: str = "Q", **more: Any) -> Any:
            return (await api.run(query, variables, name=name, **more))["data"]["note"]["version"]

        kinds: list[Any] = [
            await ask({"id": "1"}),
            await ask({"id": "2"}),
            await ask({}, "R"),
            await ask({"id": "1"}, headers={"x-tenant": "a"}),
            await ask({"id": "1"}, caller=user("a")),
            await ask({"id": "1"}, caller=Caller(AuthMode.API_KEY, groups=frozenset({"g"}))),
        ]
        assert kinds == [1, 2, 3, 4, 5, 6]
        again = await ask({"id": "1"}, headers={"authorization": "x", "x-amzn-requestid": "r", "host": "h"})
        assert again == 1
        assert await ask({"id": "1"}, caller=user("a", sourceIp=["1.2.3.4"])) == 5

    async def test_who_may_see_less_gets_no_other_response(self) -> None:
        api, _ = cached(None, WHOLE_OPERATIONS, resolvers=[note(None)])
        assert await version(api) == 1
        denied = Caller(AuthMode.API_KEY, may_call=lambda _type, field: field != "version")
        assert await version(api, caller=denied) == 2

    async def test_responses_with_errors_and_mutations_are_not_kept(self) -> None:
        touched = Function(lambda _context: 1)
        failing = Function(lambda _context: {"version": "no number"})
        resolvers = [note(None), ResolverDefinition("Mutation", "touch", data_source="touched")]
        api, _ = cached(None, WHOLE_OPERATIONS, resolvers=resolvers, sources={"notes": failing, "touched": touched})
        for _ in range(2):
            await api.run("mutation { touch }")
            assert "errors" in await api.run("{ note { version } }")
        assert touched.calls == [1, 1]
        assert failing.calls == [1, 1]

    async def test_headers_of_the_response_come_back_too(self) -> None:
        code = (
            "import { util } from '@aws-appsync/utils';\n"
            "export function request(ctx) { util.http.addResponseHeader('x-a', 'b'); return { payload: 1 }; }\n"
            "export function response(ctx) { return ctx.result; }"
        )
        api, _ = cached(None, WHOLE_OPERATIONS, resolvers=[], code={"Query.other": code})
        for _ in range(2):
            assert (await api.result("{ other }")).headers == {"x-a": "b"}


class TestMemory:
    def test_the_least_recently_used_go_first(self) -> None:
        entries: Entries[str] = Entries(Clock(), max_bytes=10)
        for key in (b"a", b"b"):
            entries.put(key, key.decode(), 5, 60)
        assert entries.get(b"a") == "a"
        entries.put(b"c", "c", 5, 60)
        assert [entries.get(key) for key in (b"a", b"b", b"c")] == ["a", None, "c"]
        assert entries.held_bytes == 10

    def test_what_is_too_large_is_not_kept(self) -> None:
        entries: Entries[str] = Entries(Clock(), max_bytes=10)
        entries.put(b"a", "a", 10, 60)
        entries.put(b"a", "b", 11, 60)
        assert entries.get(b"a") is None
        assert entries.held_bytes == 0

    def test_what_has_expired_or_was_replaced_takes_no_room(self) -> None:
        clock = Clock()
        entries: Entries[str] = Entries(clock, max_bytes=10)
        entries.put(b"a", "a", 4, 60)
        entries.put(b"a", "b", 6, 60)
        assert (entries.get(b"a"), entries.held_bytes) == ("b", 6)
        clock.now += 60
        assert entries.get(b"a") is None
        assert entries.held_bytes == 0
