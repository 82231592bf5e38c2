"""The context: the event of a direct Lambda resolver (sheet 3.1) and `info` (sheet 4.3)."""

from __future__ import annotations

from typing import Any

from local.appsync.context import ResolverContext
from local.appsync.definition import AuthMode, AuthProvider
from local.appsync.request import Caller
from tests.local.appsync.api import Api

SDL = """
type Query { post(id: ID!): Post node: Node u: U title: String }
type Mutation { put: Post }
type Post implements Node { id: ID! title: String comments(limit: Int): [Comment] author: Author }
type Comment { id: ID! text: String }
type Author { name: String }
interface Node { id: ID! }
union U = Post | Author
"""


async def seen(coordinate: str, query: str, variables: Any = None, **options: Any) -> ResolverContext:
    """The context of the field's resolver."""
    contexts: list[ResolverContext] = []
    answers: dict[str, Any] = {"Query.post": lambda _context: {"id": "1", "extra": True, "title": "t"}}
    answers[coordinate] = contexts.append
    await Api(SDL, answers, providers=(AuthProvider(AuthMode.AWS_IAM),)).run(
        query, variables, **({"caller": Caller(AuthMode.AWS_IAM)} | options)
    )
    return contexts[0]


async def test_the_event_of_a_direct_lambda_resolver() -> None:
    context = await seen(
        "Query.post",
        "query Get($id: ID!) { post(id: $id) { id title } }",
        {"id": "1"},
        caller=Caller(AuthMode.AWS_IAM, identity={"accountId": "0"}),
        headers={"host": "localhost", "x-custom": ["a", "b"]},
    )
    event = context.to_json()
    assert event == {
        "arguments": {"id": "1"},
        "identity": {"accountId": "0"},
        "source": None,
        "request": {"headers": {"host": "localhost", "x-custom": ["a", "b"]}, "domainName": None},
        "prev": None,
        "info": {
            "selectionSetList": ["id", "title"],
            "selectionSetGraphQL": "{\n  id\n  title\n}",
            "fieldName": "post",
            "parentTypeName": "Query",
            "variables": {"id": "1"},
        },
        "stash": {},
    }
    assert list(event) == ["arguments", "identity", "source", "request", "prev", "info", "stash"]


async def test_the_source_is_what_the_parent_s_resolver_returned_unfiltered() -> None:
    context = await seen("Post.author", "{ post(id: 1) { author { name } } }")
    assert context.to_json()["source"] == {"id": "1", "extra": True, "title": "t"}
    assert context.to_json()["info"]["parentTypeName"] == "Post"


async def test_an_api_key_has_no_identity() -> None:
    contexts: list[ResolverContext] = []
    await Api(SDL, {"Query.title": contexts.append}).run("{ title }")
    assert contexts[0].to_json()["identity"] is None
    assert contexts[0].auth_type == "API Key Authorization"


async def test_a_leaf_has_an_empty_selection_set() -> None:
    info = (await seen("Query.title", "{ title }")).to_json()["info"]
    assert (info["selectionSetList"], info["selectionSetGraphQL"]) == ([], "")


async def test_the_selection_set_list_is_depth_first_with_aliases_and_fragments_expanded() -> None:
    query = """
        query ($n: Int, $yes: Boolean = true) {
          post(id: 1) { ...F __typename who: author { name } title @skip(if: $yes) ... on Node { id } }
        }
        fragment F on Post { comments(limit: $n) { id t: text } }
    """
    info = (await seen("Query.post", query)).to_json()["info"]
    assert info["selectionSetList"] == [
        "comments",
        "comments/id",
        "comments/t",
        "__typename",
        "who",
        "who/name",
        "id",
    ]


async def test_the_selection_set_graphql_keeps_variables_and_spreads() -> None:
    query = """
        query ($n: Int) { post(id: 1) { ...F c: comments(limit: $n) { id } } }
        fragment F on Post { title author { name } }
    """
    info = (await seen("Query.post", query)).to_json()["info"]
    assert info["selectionSetGraphQL"] == "{\n  ...F\n  c: comments(limit: $n) {\n    id\n  }\n}"


async def test_on_an_interface_only_its_own_fields_are_listed() -> None:
    query = "{ node { id ... on Post { title author { name } } ... on Node { n: id } } }"
    info = (await seen("Query.node", query)).to_json()["info"]
    assert info["selectionSetList"] == ["id", "n"]


async def test_on_a_union_nothing_but_typename_is_listed() -> None:
    info = (await seen("Query.u", "{ u { __typename ... on Post { title } } }")).to_json()["info"]
    assert info["selectionSetList"] == ["__typename"]


async def test_handlers_see_the_members_under_appsync_s_names() -> None:
    context = await seen("Query.post", "{ post(id: 1) { id } }")
    context.has_prev, context.prev = True, {"a": 1}
    members = context.to_javascript()
    assert list(members) == [
        "arguments",
        "identity",
        "source",
        "stash",
        "result",
        "prev",
        "error",
        "request",
        "info",
        "env",
    ]
    assert len(members) == 10
    assert members["prev"] == {"result": {"a": 1}}
    assert members.get("unknown") is None
    assert "selectionSetList" in members["info"]
    assert "selectionSetList" not in context.to_javascript(selection_sets=False)["info"]
