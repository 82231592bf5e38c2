"""The rows of the table of topics, against the schema and against what the API answers."""

from __future__ import annotations

from typing import Any

import pytest
from graphql import GraphQLObjectType, GraphQLSchema, build_schema, parse, validate
from graphql.language import FieldNode, OperationDefinitionNode
from graphql.type import get_named_type

from headwater import Message, Profile, UnexpectedAnswer, UnknownTopic
from headwater.generated.fragments import Notice
from headwater.log import Log
from headwater.topics import KINDS, TopicKind, topic
from tests.client.chat_api import AT, message
from tests.conftest import ROOT

PROFILE = {
    "id": "ann", "displayName": "Ann", "attributes": [], "createdAt": AT, "updatedAt": AT, "version": 1,
}  # fmt: skip
NOTICE = {"id": "n1", "kind": "greeting", "data": '{"text": "hello"}', "sentAt": AT, "expiresAt": None}


@pytest.fixture(scope="module")
def schema() -> GraphQLSchema:
    names = ("DateTime", "JSON", "Timestamp", "URL", "Email", "Date", "Time")
    scalars = "\n".join(f"scalar AWS{name}" for name in names)
    directives = """
        directive @aws_api_key on OBJECT | FIELD_DEFINITION
        directive @aws_iam on OBJECT | FIELD_DEFINITION
        directive @aws_lambda on OBJECT | FIELD_DEFINITION
        directive @aws_cognito_user_pools(cognito_groups: [String!]) on OBJECT | FIELD_DEFINITION
        directive @aws_subscribe(mutations: [String!]!) on FIELD_DEFINITION
    """
    return build_schema(f"{(ROOT / 'schema.graphql').read_text()}\n{scalars}\n{directives}")


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_a_rows_operations_are_the_schemas(kind: TopicKind[Any], schema: GraphQLSchema) -> None:
    operations = [
        (kind.subscription, kind.subscription_field),
        (kind.changes, kind.changes_field),
        (kind.head, kind.changes_field),
        *((listing.document, listing.field) for listing in kind.snapshot),
    ]
    for document, field in operations:
        parsed = parse(document)
        assert validate(schema, parsed) == []
        operation = next(each for each in parsed.definitions if isinstance(each, OperationDefinitionNode))
        assert [each.name.value for each in operation.selection_set.selections if isinstance(each, FieldNode)] == [
            field
        ]
    assert schema.subscription_type
    envelope = get_named_type(schema.subscription_type.fields[kind.subscription_field].type)
    assert isinstance(envelope, GraphQLObjectType)
    change = get_named_type(envelope.fields["items"].type)
    assert isinstance(change, GraphQLObjectType)
    shared = {"seq", "eventId", "kind", "at", "traceId", "key", "truncated"}
    assert change.fields.keys() - shared == kind.items.keys()
    for name, model in kind.items.items():
        assert get_named_type(change.fields[name].type).name == model.__name__


@pytest.mark.parametrize(
    ("name", "lease", "variables", "subscribing"),
    [
        ("room:lobby", None, {"roomId": "lobby"}, {"roomId": "lobby"}),
        ("room:private:1", None, {"roomId": "private:1"}, {"roomId": "private:1"}),
        ("user", None, {}, {}),
        ("product:book-1", None, {"id": "book-1"}, {"id": "book-1"}),
        ("category:fantasy", None, {"category": "fantasy"}, {"category": "fantasy"}),
        ("cart", None, {}, {}),
        ("order", None, {}, {}),
        ("cart:c", None, {"clientId": "c"}, {"clientId": "c"}),
        ("client:c", "l", {"clientId": "c"}, {"clientId": "c", "lease": "l"}),
    ],
)
def test_a_name_says_the_variables(
    name: str, lease: str | None, variables: dict[str, str], subscribing: dict[str, str]
) -> None:
    found = topic(name, lease=lease)
    assert (found.variables, found.subscribing) == (variables, subscribing)


@pytest.mark.parametrize(
    ("name", "lease"),
    [
        ("shelf:1", None),
        ("cart:", None),
        ("product", None),
        ("", None),
        ("room", None),
        ("room:", None),
        ("user:1", None),
        ("client:c", None),
        ("room:x", "l"),
    ],
)
def test_other_names_are_refused(name: str, lease: str | None) -> None:
    with pytest.raises(UnknownTopic):
        topic(name, lease=lease)


def change(seq: int, **item: Any) -> dict[str, Any]:
    return {
        "seq": seq, "eventId": f"e{seq}", "kind": "MODIFY", "at": AT, "traceId": None, "key": "k", "truncated": False,
        **item,
    }  # fmt: skip


def test_a_topic_of_several_types_has_items_of_each() -> None:
    items = [change(1, profile=PROFILE, notice=None), change(2, profile=None, notice=NOTICE), change(3)]
    envelope = topic("user").envelope({"topic": "user:ann", "firstSeq": 1, "lastSeq": 3, "items": items})
    profile, notice, gone = (each.item for each in envelope.items)
    assert isinstance(profile, Profile)
    assert isinstance(notice, Notice)
    assert (notice.data, gone) == ({"text": "hello"}, None)
    assert {each.topic for each in envelope.items} == {"user:ann"}
    assert isinstance(topic("user").item(NOTICE), Notice)


@pytest.mark.parametrize(
    "page",
    [
        {},
        {"topic": "t", "items": None, "lastSeq": 0, "headSeq": 0, "resyncRequired": False},
        {"topic": "t", "items": [{}], "lastSeq": 0, "headSeq": 0, "resyncRequired": False},
        {"topic": "t", "items": [change(1, message={})], "lastSeq": 0, "headSeq": 0, "resyncRequired": False},
    ],
)
def test_what_is_not_as_the_schema_says_is_told(page: dict[str, Any]) -> None:
    with pytest.raises(UnexpectedAnswer):
        topic("room:lobby").page(page)


class Answers:
    """An API that answers pages of lists."""

    def __init__(self, **lists: list[Any] | Any) -> None:
        self.lists = lists
        self.asked: list[dict[str, Any]] = []

    async def __call__(self, document: str, variables: dict[str, Any]) -> dict[str, Any]:
        self.asked.append(variables)
        (field,) = [name for name in self.lists if f" {name}(" in document or f" {name} {{" in document]
        answer = self.lists[field]
        if isinstance(answer, list):
            first = int(variables.get("nextToken") or 0)
            last = first + variables["limit"]
            answer = {"items": answer[first:last], "nextToken": str(last) if answer[last:] else None}
        return {field: answer}


async def test_a_snapshot_is_the_newest_with_the_oldest_first() -> None:
    api = Answers(messages=[message(number) for number in range(250, 0, -1)])
    found = await Log(api, topic("room:lobby")).snapshot(120)
    assert [key for key, _ in found] == [f"m{number}" for number in range(131, 251)]
    assert isinstance(found[0][1], Message)
    assert [asked["limit"] for asked in api.asked] == [100, 100]
    assert await Log(api, topic("room:lobby")).snapshot(0) == []


async def test_a_snapshot_whose_newest_come_last_is_read_to_its_end() -> None:
    notices = [NOTICE | {"id": f"n{number}"} for number in range(250)]
    api = Answers(notices=notices)
    found = await Log(api, topic("client:c", lease="l")).snapshot(120)
    assert [key for key, _ in found] == [f"n{number}" for number in range(130, 250)]
    assert all(asked["clientId"] == "c" for asked in api.asked)
    assert not any("lease" in asked for asked in api.asked)


async def test_the_snapshot_of_a_user_is_the_profile_and_the_notices() -> None:
    found = await Log(Answers(me={"profile": PROFILE}, notices=[NOTICE]), topic("user")).snapshot(10)
    assert [type(item) for _, item in found] == [Profile, Notice]
    assert await Log(Answers(me=None, notices=None), topic("user")).snapshot(10) == []


PRODUCT = {
    "title": "Emma", "authors": [], "category": "novels", "path": ["novels"], "description": None, "price": 1,
    "currency": "EUR", "stock": 1, "rating": None, "ratingsCount": None, "year": None, "language": None, "isbn": None,
    "imageUrl": None, "derived": [], "version": 1, "createdAt": AT, "updatedAt": AT,
}  # fmt: skip


class Category:
    """A category's log, of which all up to `expired` has expired, and an index that has only what it was told of."""

    def __init__(self, indexed: list[str], log: list[tuple[str, str]], expired: int = 0, page: int = 1000) -> None:
        self.indexed, self.log, self.expired, self.page = indexed, log, expired, page
        self.asked: list[int] = []

    async def __call__(self, document: str, variables: dict[str, Any]) -> dict[str, Any]:
        if "nextToken" in document:
            return {"products": {"items": [PRODUCT | {"id": each} for each in self.indexed], "nextToken": None}}
        after = variables.get("after", 0)
        self.asked.append(after)
        changes = [
            {
                "seq": seq, "eventId": "e", "kind": kind, "at": AT, "traceId": None, "key": key, "truncated": False,
                "product": None if kind == "REMOVE" else PRODUCT | {"id": key},
            }
            for seq, (kind, key) in enumerate(self.log, 1)
        ][after : after + self.page]  # fmt: skip
        resync = after < self.expired
        last = after if resync or not changes else changes[-1]["seq"]
        answer = {
            "items": [] if resync else changes,
            "lastSeq": last,
            "headSeq": len(self.log),
            "resyncRequired": resync,
        }
        return {"categoryChanges": {"topic": "category:novels", **answer}}


async def test_an_index_that_lags_hides_nothing_that_the_log_has() -> None:
    category = Category(["old", "gone"], [("INSERT", "old"), ("INSERT", "gone"), ("REMOVE", "gone"), ("INSERT", "new")])
    found = await Log(category, topic("category:novels")).snapshot(10)
    assert [key for key, _ in found] == ["old", "new"]


async def test_the_log_behind_an_index_is_read_as_far_back_as_it_is_kept() -> None:
    log = [("INSERT", str(number)) for number in range(2500)]
    category = Category([], log, expired=2477, page=10)
    found = await Log(category, topic("category:novels")).snapshot(100)
    assert [key for key, _ in found] == [str(number) for number in range(2477, 2500)]
    assert len(category.asked) < 20


async def test_a_snapshot_of_no_items_reads_no_log_behind_an_index() -> None:
    category = Category([], [("INSERT", "new")])
    assert await Log(category, topic("category:novels")).snapshot(0) == []
    assert category.asked == []
