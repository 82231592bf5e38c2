"""Subscriptions from registration to delivery: payload and null rules, filters, invalidation, limits (sheet 6)."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import Any

import pytest

from local.appsync.datasources import DataSourceError
from local.appsync.definition import AuthMode, AuthProvider
from local.appsync.limits import Limits
from local.appsync.request import Caller
from tests.local.appsync.api import Api, js

SDL = """
type Query { a: ID }
type Mutation {
  post(room: ID, text: String, n: Int, tags: [String], author: In): Message
  other(room: ID): Message
  many: [Message]
  count: Int
  node: Node
  invalidate(room: ID): ID
  fail: Message
}
type Subscription {
  onPost(room: ID, text: String, n: Int, tags: [String]): Message @aws_subscribe(mutations: ["post", "other", "fail"])
  onMany(id: ID): [Message] @aws_subscribe(mutations: ["many"])
  onCount: Int @aws_subscribe(mutations: ["count"])
  onNode: Node @aws_subscribe(mutations: ["node"])
  onPostStrict(room: ID): Message! @aws_subscribe(mutations: ["post"])
  idle: Message
}
type Message implements Node {
  id: ID! room: ID text: String! n: Int tags: [String] data: AWSJSON author: Author shout: String
}
type Author { name: String home: Home }
type Home { city: String }
input In { name: String home: HomeIn }
input HomeIn { city: String }
interface Node { id: ID! }
type Other implements Node { id: ID! x: Int }
"""


def post(context: Any) -> dict[str, Any]:
    return {"id": "1", "text": "t", "data": {"a": 1}, **context.arguments}


def api(**more: Any) -> Api:
    fields = {"Mutation.post": post, "Mutation.other": post, **more.pop("fields", {})}
    return Api(SDL, fields, **more)


def filtered(*groups: list[tuple[str, str, Any]]) -> str:
    """A subscription resolver that sets an enhanced filter."""
    definition = [
        {"filters": [{"fieldName": name, "operator": operator, "value": value} for name, operator, value in rules]}
        for rules in groups
    ]
    return js("{}", f"extensions.setSubscriptionFilter({{ filterGroup: {_literal(definition)} }}), null")


def _literal(value: Any) -> str:
    return json.dumps(value)


class TestDelivery:
    async def test_a_subscriber_gets_its_own_selection_of_what_the_mutation_s_caller_selected(self) -> None:
        plane = api()
        subscriber = await plane.subscribe("subscription { onPost { text id __typename } }")
        await plane.run('mutation { post(room: "r", text: "hi") { id text room } }')
        assert subscriber.bodies == [b'{"data":{"onPost":{"text":"hi","id":"1","__typename":"Message"}}}']

    async def test_aliases_of_the_mutation_do_not_matter_and_those_of_the_subscriber_are_its_own(self) -> None:
        plane = api()
        subscriber = await plane.subscribe("subscription { new: onPost { what: text author { who: name } } }")
        await plane.run('mutation { p: post(text: "hi", author: {name: "ann"}) { t: text a: author { n: name } } }')
        assert subscriber.events == [{"data": {"new": {"what": "hi", "author": {"who": "ann"}}}}]

    async def test_fields_that_the_mutation_did_not_select_are_null(self) -> None:
        plane = api()
        subscriber = await plane.subscribe("subscription { onPost { n author { name } } }")
        await plane.run("mutation { post(n: 3) { id } }")
        assert subscriber.events == [{"data": {"onPost": {"n": None, "author": None}}}]

    async def test_missing_non_null_fields_make_the_event_null_with_an_error_each(self) -> None:
        plane = api()
        subscriber = await plane.subscribe("subscription { onPost { id text n } }")
        await plane.run("mutation { post(n: 3) { n } }")
        assert subscriber.events == [
            {
                "data": {"onPost": None},
                "errors": [
                    {
                        "message": f"Cannot return null for non-nullable type: '{kind}' within parent 'Message' "
                        f"(/onPost/{name})",
                        "path": ["onPost", name],
                    }
                    for kind, name in (("ID", "id"), ("String", "text"))
                ],
            }
        ]
        assert list(subscriber.events[0]["errors"][0]) == ["message", "path"]

    async def test_nested_resolvers_ran_for_the_mutation_and_are_not_run_again(self) -> None:
        calls: list[Any] = []

        def shout(context: Any) -> str:
            calls.append(context)
            return "HI"

        plane = api(fields={"Message.shout": shout})
        first = await plane.subscribe("subscription { onPost { shout } }")
        second = await plane.subscribe("subscription { onPost { shout n } }")
        await plane.run("mutation { post { shout n } }")
        assert first.events == [{"data": {"onPost": {"shout": "HI"}}}]
        assert second.events == [{"data": {"onPost": {"shout": "HI", "n": None}}}]
        await plane.run("mutation { post { n } }")
        assert first.events[1] == {"data": {"onPost": {"shout": None}}}
        assert len(calls) == 1

    async def test_awsjson_is_encoded_once(self) -> None:
        plane = api()
        subscriber = await plane.subscribe("subscription { onPost { data } }")
        response = await plane.run("mutation { post { data } }")
        assert response["data"]["post"]["data"] == '{"a":1}'
        assert subscriber.events == [{"data": {"onPost": {"data": '{"a":1}'}}}]

    async def test_a_mutation_whose_result_is_null_publishes_nothing(self) -> None:
        def fail(_context: Any) -> None:
            raise DataSourceError("no", "E")

        plane = api(fields={"Mutation.fail": fail, "Mutation.other": lambda _context: None})
        subscriber = await plane.subscribe("subscription { onPost { id } }")
        await plane.run("mutation { fail { id } other { id } }")
        assert subscriber.bodies == []

    async def test_a_result_that_a_null_bubbled_into_publishes_nothing(self) -> None:
        plane = api(fields={"Message.text": lambda _context: None})
        subscriber = await plane.subscribe("subscription { onPost { id } }")
        await plane.run("mutation { post { id text } }")
        assert subscriber.bodies == []

    async def test_a_result_with_field_errors_is_published_with_nulls(self) -> None:
        def fail(_context: Any) -> None:
            raise DataSourceError("no", "E")

        plane = api(fields={"Message.shout": fail})
        subscriber = await plane.subscribe("subscription { onPost { id shout } }")
        await plane.run("mutation { post { id shout } }")
        assert subscriber.events == [{"data": {"onPost": {"id": "1", "shout": None}}}]

    async def test_each_mutation_field_publishes_apart_and_in_order(self) -> None:
        plane = api()
        subscriber = await plane.subscribe("subscription { onPost { room } }")
        await plane.run('mutation { a: post(room: "1") { room } b: other(room: "2") { room } c: post { room } }')
        assert [event["data"]["onPost"]["room"] for event in subscriber.events] == ["1", "2", None]

    async def test_lists_scalars_and_interfaces_are_published(self) -> None:
        fields = {
            "Mutation.many": lambda _context: [{"id": "1", "text": "a"}, None],
            "Mutation.count": lambda _context: 3,
            "Mutation.node": lambda _context: {"__typename": "Other", "id": "9", "x": 4},
        }
        plane = api(fields=fields)
        many = await plane.subscribe("subscription { onMany { text } }")
        count = await plane.subscribe("subscription { onCount }")
        node = await plane.subscribe(
            "subscription { onNode { __typename ... on Other { y: x } ... on Message { n } } }"
        )
        await plane.run("mutation { many { text } count node { id ... on Other { x } } }")
        assert many.events == [{"data": {"onMany": [{"text": "a"}, None]}}]
        assert count.events == [{"data": {"onCount": 3}}]
        assert node.events == [{"data": {"onNode": {"__typename": "Other", "y": 4}}}]

    async def test_any_mode_of_the_mutation_reaches_any_subscriber(self) -> None:
        # Directives on the payload's types are not applied to the subscriber (sheet 11.21).
        sdl = """
            type Query { a: ID }
            type Mutation { put: Thing @aws_iam }
            type Subscription { onPut: Thing @aws_subscribe(mutations: ["put"]) }
            type Thing @aws_iam { id: ID }
        """
        plane = Api(
            sdl,
            {"Mutation.put": lambda _context: {"id": "1"}},
            providers=(AuthProvider(AuthMode.API_KEY), AuthProvider(AuthMode.AWS_IAM)),
        )
        subscriber = await plane.subscribe("subscription { onPut { id } }")
        await plane.run("mutation { put { id } }", caller=Caller(AuthMode.AWS_IAM))
        assert subscriber.events == [{"data": {"onPut": {"id": "1"}}}]

    async def test_a_refused_mutation_publishes_nothing(self) -> None:
        sdl = """
            type Query { a: ID }
            type Mutation { put: ID @aws_iam }
            type Subscription { onPut: ID @aws_subscribe(mutations: ["put"]) }
        """
        plane = Api(sdl, {"Mutation.put": lambda _context: "1"})
        subscriber = await plane.subscribe("subscription { onPut }")
        await plane.run("mutation { put }")
        assert subscriber.bodies == []

    async def test_nothing_is_delivered_after_cancel(self) -> None:
        plane = api()
        subscriber = await plane.subscribe("subscription { onPost { id } }")
        subscriber.subscription.cancel()
        subscriber.subscription.cancel()
        await plane.run("mutation { post { id } }")
        assert subscriber.bodies == []
        assert len(plane.engine.subscriptions) == 0

    async def test_a_subscriber_that_ends_another_while_it_is_served(self) -> None:
        plane = api()
        first = await plane.subscribe("subscription { onPost { id } }")
        second = await plane.subscribe("subscription { onPost { id } }")
        first.subscription.deliver = lambda _body: second.subscription.cancel()
        await plane.run("mutation { post { id } }")
        assert second.bodies == []

    async def test_skip_and_include_are_the_subscriber_s(self) -> None:
        plane = api()
        query = "subscription ($n: Boolean!) { onPost { id n @include(if: $n) } }"
        with_n = await plane.subscribe(query, {"n": True})
        without = await plane.subscribe(query, {"n": False})
        await plane.run("mutation { post(n: 2) { id n } }")
        assert with_n.events == [{"data": {"onPost": {"id": "1", "n": 2}}}]
        assert without.events == [{"data": {"onPost": {"id": "1"}}}]


class TestArguments:
    @pytest.mark.parametrize(
        ("arguments", "reached"),
        [
            ('(room: "r")', True),
            ('(room: "r", n: 1)', True),
            ('(room: "other")', False),
            ('(room: "r", n: 2)', False),
            ("(room: null)", False),
            ("(text: null)", True),
            ('(text: "t")', False),
            ('(tags: ["a"])', False),
            ("", True),
        ],
    )
    async def test_an_argument_is_compared_with_the_payload_field_of_its_name(
        self, arguments: str, reached: bool
    ) -> None:
        plane = api()
        subscriber = await plane.subscribe(f"subscription {{ onPost{arguments} {{ room }} }}")
        # `text` is not selected: for the filter it counts as null.
        await plane.run('mutation { post(room: "r", text: "t", n: 1, tags: ["a"]) { room n tags } }')
        assert bool(subscriber.bodies) is reached

    async def test_the_mutation_s_arguments_do_not_count_only_its_result(self) -> None:
        plane = api(fields={"Mutation.post": lambda _context: {"id": "1", "text": "t", "room": "real"}})
        asked = await plane.subscribe('subscription { onPost(room: "asked") { room } }')
        real = await plane.subscribe('subscription { onPost(room: "real") { room } }')
        await plane.run('mutation { post(room: "asked") { room } }')
        assert (len(asked.bodies), len(real.bodies)) == (0, 1)

    async def test_a_variable_that_was_not_given_does_not_constrain(self) -> None:
        plane = api()
        query = "subscription ($room: ID) { onPost(room: $room) { room } }"
        anyone = await plane.subscribe(query)
        null = await plane.subscribe(query, {"room": None})
        await plane.run('mutation { post(room: "r") { room } }')
        assert (len(anyone.bodies), len(null.bodies)) == (1, 0)

    async def test_arguments_never_match_a_list(self) -> None:
        plane = api(fields={"Mutation.many": lambda _context: [{"id": "1", "text": "a"}]})
        subscriber = await plane.subscribe('subscription { onMany(id: "1") { text } }')
        await plane.run("mutation { many { id text } }")
        assert subscriber.bodies == []


class TestEnhancedFilters:
    async def test_an_enhanced_filter_replaces_argument_matching(self) -> None:
        plane = api(code={"Subscription.onPost": filtered([("room", "eq", "filtered")])})
        subscriber = await plane.subscribe('subscription { onPost(room: "argument") { room } }')
        await plane.run('mutation { a: post(room: "argument") { room } b: post(room: "filtered") { room } }')
        assert [event["data"]["onPost"]["room"] for event in subscriber.events] == ["filtered"]

    async def test_groups_are_alternatives_and_deliver_an_event_once(self) -> None:
        code = filtered([("room", "eq", "r")], [("n", "gt", 5)], [("author.home.city", "beginsWith", "R")])
        plane = api(code={"Subscription.onPost": code})
        subscriber = await plane.subscribe("subscription { onPost { room n } }")
        selection = "{ room n author { home { city } } }"
        for arguments in ('room: "r", n: 9', "n: 6", 'author: {home: {city: "Rome"}}', "n: 1"):
            await plane.run(f"mutation {{ post({arguments}) {selection} }}")
        assert len(subscriber.bodies) == 3

    async def test_a_filter_field_that_the_mutation_did_not_select_is_null(self) -> None:
        plane = api(code={"Subscription.onPost": filtered([("room", "eq", "r")])})
        subscriber = await plane.subscribe("subscription { onPost { n } }")
        await plane.run('mutation { post(room: "r") { n } }')
        assert subscriber.bodies == []

    async def test_the_filter_can_come_from_arguments_and_identity(self) -> None:
        code = js(
            "{}",
            "extensions.setSubscriptionFilter({ filterGroup: [{ filters: [{ fieldName: 'room', operator: 'eq', "
            "value: ctx.args.room + '-' + ctx.identity.sub }] }] }), null",
        )
        plane = api(code={"Subscription.onPost": code})
        caller = Caller(AuthMode.API_KEY, identity={"sub": "ann"})
        subscriber = await plane.subscribe('subscription { onPost(room: "r") { room } }', caller=caller)
        await plane.run('mutation { a: post(room: "r") { room } b: post(room: "r-ann") { room } }')
        assert len(subscriber.bodies) == 1

    async def test_a_filter_that_appsync_does_not_take_refuses_the_subscription(self) -> None:
        plane = api(code={"Subscription.onPost": filtered([("room", "in", list("abcdef"))])})
        errors = await plane.refused("subscription { onPost { id } }")
        assert "at most 5 values" in errors[0]["message"]


class TestCost:
    async def test_unrelated_subscribers_cost_nothing(self) -> None:
        plane = api()
        for number in range(500):
            await plane.subscribe(f'subscription {{ onPost(room: "room{number}") {{ id }} }}')
        mine = await plane.subscribe('subscription { onPost(room: "mine") { id } }')
        await plane.run('mutation { post(room: "mine") { id room } }')
        metrics = plane.engine.metrics
        assert (len(mine.bodies), metrics.deliveries, metrics.encodings, metrics.filter_evaluations) == (1, 1, 1, 0)

    async def test_enhanced_equalities_cost_nothing_either(self) -> None:
        code = js(
            "{}",
            "extensions.setSubscriptionFilter({ filterGroup: [{ filters: [{ fieldName: 'room', operator: 'eq', "
            "value: ctx.args.room }, { fieldName: 'n', operator: 'gt', value: 1 }] }] }), null",
        )
        plane = api(code={"Subscription.onPost": code})
        for number in range(50):
            await plane.subscribe(f'subscription {{ onPost(room: "room{number}") {{ id }} }}')
        await plane.run('mutation { post(room: "room7", n: 2) { id room n } }')
        assert (plane.engine.metrics.deliveries, plane.engine.metrics.filter_evaluations) == (1, 1)

    async def test_equal_selections_share_one_encoding_however_they_are_written(self) -> None:
        plane = api()
        texts = [
            "subscription { onPost { id author { name } } }",
            "subscription S { onPost { ...F } } fragment F on Message { id author { name } }",
            'subscription ($r: ID = "r") { onPost(room: $r) { id ... on Message { author { name } } } }',
        ]
        subscribers = [await plane.subscribe(text) for text in texts for _ in range(3)]
        other = await plane.subscribe("subscription { onPost { id } }")
        await plane.run('mutation { post(room: "r", author: {name: "a"}) { id room author { name } } }')
        assert len({id(subscriber.bodies[0]) for subscriber in subscribers}) == 1
        assert other.bodies == [b'{"data":{"onPost":{"id":"1"}}}']
        assert plane.engine.metrics.encodings == 2

    async def test_the_index_is_empty_after_the_last_subscriber_left(self) -> None:
        plane = api(code={"Subscription.onCount": js("{}", "null")})
        subscribers = [
            await plane.subscribe(text)
            for text in (
                'subscription { onPost(room: "a") { id } }',
                'subscription { onPost(tags: ["never"]) { id } }',
                "subscription { onPost { id } }",
                "subscription { onCount }",
            )
        ]
        for subscriber in subscribers:
            subscriber.subscription.cancel()
        assert len(plane.engine.subscriptions) == 0
        assert not any(plane.engine.subscriptions.has(name) for name in ("onPost", "onCount"))

    async def test_a_payload_over_the_limit_is_dropped_counted_and_logged(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        plane = api(limits=Limits(published_payload_bytes=100))
        subscriber = await plane.subscribe("subscription { onPost { id } }")
        with caplog.at_level(logging.WARNING):
            response = await plane.run(f'mutation {{ post(text: "{"x" * 100}") {{ id text }} }}')
        assert response["data"]["post"]["id"] == "1"
        assert subscriber.bodies == []
        assert plane.engine.metrics.oversized_payloads == 1
        assert "over the limit of 100 bytes" in caplog.text

    async def test_without_subscribers_nothing_is_encoded(self) -> None:
        plane = api()
        await plane.run("mutation { post { id } }")
        assert plane.engine.metrics.encodings == 0


class TestInvalidation:
    def plane(self, calls: int = 1) -> Api:
        subscribe = js(
            "{}",
            "extensions.setSubscriptionInvalidationFilter({ filterGroup: [{ filters: [{ fieldName: 'room', "
            "operator: 'eq', value: ctx.args.room }] }] }), null",
        )
        end = "extensions.invalidateSubscriptions({ subscriptionField: 'onPost', payload: { room: ctx.args.room } })"
        statements = ";".join([end] * calls)
        mutate = f"""
        import {{ extensions }} from '@aws-appsync/utils';
        export function request(ctx) {{ return {{}}; }}
        export function response(ctx) {{ {statements}; return 'done'; }}
        """
        return api(code={"Subscription.onPost": subscribe, "Mutation.invalidate": mutate})

    async def test_matching_subscriptions_end_and_others_live(self) -> None:
        plane = self.plane()
        ended = await plane.subscribe('subscription { onPost(room: "a") { id } }')
        alive = await plane.subscribe('subscription { onPost(room: "b") { id } }')
        response = await plane.run('mutation { invalidate(room: "a") }')
        assert response == {"data": {"invalidate": "done"}}
        assert (ended.ended, alive.ended) == (1, 0)
        await plane.run('mutation { a: post(room: "a") { id room } b: post(room: "b") { id room } }')
        assert (len(ended.bodies), len(alive.bodies)) == (0, 1)

    async def test_a_subscription_without_invalidation_filter_is_never_ended(self) -> None:
        plane = api(code={"Mutation.invalidate": self.plane().engine.api.resolvers["Mutation.invalidate"].code or ""})
        subscriber = await plane.subscribe('subscription { onPost(room: "a") { id } }')
        await plane.run('mutation { invalidate(room: "a") }')
        assert subscriber.ended == 0

    async def test_five_invalidations_a_request_are_allowed_and_six_are_not(self) -> None:
        assert "errors" not in await self.plane(5).run('mutation { invalidate(room: "a") }')
        response = await self.plane(6).run('mutation { invalidate(room: "a") }')
        assert response["data"] == {"invalidate": None}
        assert "more than 5 times" in response["errors"][0]["message"]


class TestRegistration:
    async def test_a_directive_of_the_field_decides(self) -> None:
        sdl = """
            type Query { a: ID }
            type Mutation { put: ID }
            type Subscription { onPut: ID @aws_subscribe(mutations: ["put"]) @aws_iam }
        """
        errors = await Api(sdl).refused("subscription { onPut }")
        assert errors == [
            {"errorType": "Unauthorized", "message": "Not Authorized to access onPut on type Subscription"}
        ]

    async def test_the_caller_s_own_rule_decides(self) -> None:
        caller = Caller(AuthMode.API_KEY, may_call=lambda _type_name, _field_name: False)
        errors = await api().refused("subscription { onPost { id } }", caller=caller)
        assert errors[0]["errorType"] == "Unauthorized"

    async def test_the_resolver_may_refuse(self) -> None:
        code = js("{}", "ctx.args.room === 'open' ? null : util.unauthorized()")
        plane = api(code={"Subscription.onPost": code})
        assert await plane.refused('subscription { onPost(room: "closed") { id } }') == [
            {"errorType": "Unauthorized", "message": "Not Authorized to access onPost on type Subscription"}
        ]
        await plane.subscribe('subscription { onPost(room: "open") { id } }')

    async def test_an_error_of_the_resolver_refuses(self) -> None:
        plane = api(code={"Subscription.onPost": js("util.error('no', 'Nope')")})
        assert await plane.refused("subscription { onPost { id } }") == [{"errorType": "Nope", "message": "no"}]

    async def test_an_appended_error_refuses_too(self) -> None:
        plane = api(code={"Subscription.onPost": js("{}", "util.appendError('hm', 'Hm'), null")})
        assert await plane.refused("subscription { onPost { id } }") == [{"message": "hm", "errorType": "Hm"}]

    async def test_a_function_may_authorize(self) -> None:
        def authorize(context: Any) -> None:
            assert context.info.parent_type_name == "Subscription"
            if context.arguments["room"] != "mine":
                raise DataSourceError("not yours", "Forbidden")

        plane = api(fields={"Subscription.onPost": authorize})
        await plane.subscribe('subscription { onPost(room: "mine") { id } }')
        plane.engine.subscriptions = type(plane.engine.subscriptions)(plane.engine.limits, plane.engine.metrics)
        errors = await plane.refused('subscription { onPost(room: "yours") { id } }')
        assert errors == [{"errorType": "Forbidden", "message": "not yours"}]

    async def test_a_bug_of_the_data_source_refuses(self) -> None:
        def bug(_context: Any) -> None:
            raise ZeroDivisionError("oops")

        errors = await api(fields={"Subscription.onPost": bug}).refused("subscription { onPost { id } }")
        assert errors == [{"errorType": "InternalFailure", "message": "ZeroDivisionError: oops"}]

    async def test_what_the_resolver_returns_must_fit_the_type(self) -> None:
        plane = api(code={"Subscription.onPost": js("{}", "({ room: 'r' })")})
        await plane.subscribe("subscription { onPost { room } }")
        plane.engine.subscriptions = type(plane.engine.subscriptions)(plane.engine.limits, plane.engine.metrics)
        errors = await plane.refused("subscription { onPost { id } }")
        assert "Cannot return null for non-nullable type: 'ID'" in errors[0]["message"]

    async def test_a_non_null_subscription_field_fails_because_its_initial_value_is_null(self) -> None:
        errors = await api().refused("subscription { onPostStrict { id } }")
        assert errors[0]["message"] == (
            "Cannot return null for non-nullable type: 'Message' within parent 'Subscription' (/onPostStrict)"
        )

    async def test_validation_errors_have_only_a_message(self) -> None:
        assert await api().refused("subscription { onPost { zz } }") == [
            {
                "message": "Validation error of type FieldUndefined: Field 'zz' in type 'Message' is undefined "
                "@ 'onPost/zz'"
            }
        ]

    async def test_variable_errors_have_only_a_message(self) -> None:
        errors = await api().refused("subscription ($room: ID!) { onPost(room: $room) { id } }")
        assert errors == [{"message": "Variable 'room' has coerced Null value for NonNull type 'ID!'"}]

    async def test_a_second_root_field_is_a_duplicated_operation(self) -> None:
        errors = await api().refused("subscription { onPost { id } idle { id } }", operation_id="7")
        assert errors == [{"message": "Duplicated operation with id 7", "errorType": "DuplicatedOperationError"}]

    @pytest.mark.parametrize("kind", ["query { a }", "mutation { count }"])
    async def test_queries_and_mutations_are_not_supported(self, kind: str) -> None:
        errors = await api().refused(kind)
        assert errors == [
            {
                "message": f"{kind.split()[0]} not supported through the realtime channel",
                "errorType": "UnsupportedOperation",
            }
        ]

    async def test_a_text_that_does_not_parse(self) -> None:
        assert await api().refused("subscription {") == [
            {"errorType": "MalformedHttpRequestException", "message": "Unable to parse GraphQL query."}
        ]

    async def test_a_subscription_without_mutations_registers_and_stays_silent(self) -> None:
        plane = api()
        subscriber = await plane.subscribe("subscription { idle { id } }")
        await plane.run("mutation { post { id } }")
        assert subscriber.bodies == []

    async def test_a_slow_resolver_is_refused_after_the_time_limit(self) -> None:
        async def never(_context: Any) -> None:
            await asyncio.Event().wait()

        plane = api(fields={"Subscription.onPost": never}, limits=Limits(request_seconds=0.01))
        errors = await plane.refused("subscription { onPost { id } }")
        assert errors == [{"errorType": "ExecutionTimeout", "message": "Execution timed out."}]
