"""Documents: what does not run and how AppSync says so (sheet 1.3, 1.4)."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
from graphql import specified_rules

from local.appsync.document import LARGE_CHARACTERS, LARGE_KEPT, Documents, beside_when_large
from local.appsync.errors import MalformedQueryError, MissingOperationNameError, OperationError
from local.appsync.limits import Limits
from local.appsync.metrics import Metrics
from local.appsync.schema import build_schema
from local.appsync.validation import REPLACED, WORDING

SDL = """
type Query {
  a: String
  item(id: ID!, input: In, color: Color, list: [Int!], data: AWSJSON): Item
  node: Node
  u: U
}
type Item implements Node { id: ID! name: String sub(n: Int): Item }
type Other implements Node { id: ID! }
type Lone { x: Int }
interface Node { id: ID! }
union U = Item | Other
enum Color { RED GREEN }
input In { name: String! n: Int nested: In }
type Mutation { put(id: ID): Item }
type Subscription { on: Item @aws_subscribe(mutations: ["put"]) }
"""
SCHEMA = build_schema(SDL)


def documents(*, introspection: bool = True, **limits: Any) -> Documents:
    return Documents(SCHEMA, Limits(**limits), Metrics(), introspection=introspection)


def errors(text: str, *, introspection: bool = True) -> list[dict[str, Any]]:
    return documents(introspection=introspection).load(text).errors


@pytest.mark.parametrize("text", ["", "meow {", "{}", "{}}", "[]", "query", "{ a {} }", "{ a(", "mutation { }"])
def test_a_text_that_is_no_graphql_cannot_be_parsed(text: str) -> None:
    with pytest.raises(MalformedQueryError) as raised:
        documents().load(text)
    assert (raised.value.status, raised.value.errors) == (
        400,
        [{"errorType": "MalformedHttpRequestException", "message": "Unable to parse GraphQL query."}],
    )


def test_an_empty_input_object_is_no_empty_selection() -> None:
    assert len(errors("{ item(id: 1, input: {}) { id } }")) == 1


def test_a_validation_error_has_a_null_path_and_no_error_type() -> None:
    assert errors("{badfield}") == [
        {
            "path": None,
            "locations": [{"line": 1, "column": 2, "sourceName": None}],
            "message": "Validation error of type FieldUndefined: Field 'badfield' in type 'Query' is undefined "
            "@ 'badfield'",
        }
    ]
    assert list(errors("{badfield}")[0]) == ["path", "locations", "message"]


def test_each_validation_error_is_an_entry_of_its_own() -> None:
    assert [error["locations"][0]["column"] for error in errors("{ x y a }")] == [3, 5]


WORDINGS = [
    ("{ item(id: 1) { x } }", "FieldUndefined: Field 'x' in type 'Item' is undefined @ 'item/x'"),
    ("{ item { id } }", "MissingFieldArgument: Missing field argument id @ 'item'"),
    ("{ __type { name } }", "MissingFieldArgument: Missing field argument name @ '__type'"),
    ("{ item(id: 1, b: 2) { id } }", "UnknownArgument: Unknown field argument b @ 'item'"),
    ("{ item(id: 1) }", "SubSelectionRequired: Sub selection required for type Item of field item @ 'item'"),
    ("{ a { b } }", "SubSelectionNotAllowed: Sub selection not allowed on leaf type String of field a @ 'a'"),
    ("query @skip { a }", "MisplacedDirective: Directive skip not allowed here"),
    ("{ a @nope }", "UnknownDirective: Unknown directive nope @ 'a'"),
    ("{ a @skip }", "MissingDirectiveArgument: Missing directive argument if @ 'a'"),
    ("{ a @aws_iam }", "MisplacedDirective: Directive aws_iam not allowed here @ 'a'"),
    ("{ node { ...F } } fragment F on Node { ...F }", "FragmentCycle: Fragment cycles not allowed @ 'F'"),
    ("{ a } fragment F on Item { id }", "UnusedFragment: Unused fragment F @ 'F'"),
    ("{ ...F }", "UndefinedFragment: Undefined fragment F"),
    ("{ item(id: $x) { id } }", "UndefinedVariable: Undefined variable x @ 'item'"),
    ("query($x: ID) { a }", "UnusedVariable: Unused variable x"),
    (
        "query($x: String!) { item(id: $x) { id } }",
        "VariableTypeMismatch: Variable type 'String!' doesn't match expected type 'ID!' @ 'item'",
    ),
    ("query($x: Nope) { item(id: $x) { id } }", "UnknownType: Unknown type Nope"),
    (
        "query($x: Item) { item(id: 1, data: $x) { id } }",
        "NonInputTypeOnVariable: Input variable x type Item is not an input type",
    ),
    (
        "{ item(id: 1) { ... on Lone { x } } }",
        "InvalidFragmentType: Fragment cannot be spread here as objects of type Item can never be of type Lone "
        "@ 'item'",
    ),
    (
        "{ item(id: 1) { ... on Color { x } } }",
        "InlineFragmentTypeConditionInvalid: Inline fragment type condition is invalid, must be on "
        "Object/Interface/Union @ 'item'",
    ),
    ("{ a } query B { a }", "LoneAnonymousOperationViolation: Anonymous operation with other operations."),
    ("query B { a } query B { a }", "DuplicateOperationName: There can be only one operation named 'B'"),
    ("{ item(id: 1, id: 2) { id } }", "DuplicateArgumentNames: There can be only one argument named 'id' @ 'item'"),
    (
        "{ item(id: 1, data: {a: 10}) { id } }",
        "WrongType: argument 'data' with value 'ObjectValue{objectFields=[ObjectField{name='a', "
        "value=IntValue{value=10}}]}' is not a valid 'AWSJSON' @ 'item'",
    ),
    (
        '{ item(id: 1, input: {n: "x", name: "a"}) { id } }',
        "WrongType: argument 'input.n' with value 'StringValue{value='x'}' is not a valid 'Int' @ 'item'",
    ),
    (
        "{ item(id: 1, input: {n: 1}) { id } }",
        "WrongType: argument 'input' with value 'ObjectValue{objectFields=[ObjectField{name='n', "
        "value=IntValue{value=1}}]}' is missing required fields '[name]' @ 'item'",
    ),
    (
        '{ item(id: 1, input: {name: "a", nested: {name: "b", zz: 1}}) { id } }',
        "WrongType: argument 'input.nested' with value 'ObjectValue{objectFields=[ObjectField{name='name', "
        "value=StringValue{value='b'}}, ObjectField{name='zz', value=IntValue{value=1}}]}' contains a field not in "
        "'In': 'zz' @ 'item'",
    ),
    (
        "{ item(id: 1, color: BLUE) { id } }",
        "WrongType: argument 'color' with value 'EnumValue{name='BLUE'}' is not a valid 'Color' @ 'item'",
    ),
    (
        "{ item(id: 1, list: [1, true]) { id } }",
        "WrongType: argument 'list[1]' with value 'BooleanValue{value=true}' is not a valid 'Int' @ 'item'",
    ),
    ("{ item(id: null) { id } }", "WrongType: argument 'id' with value 'NullValue{}' must not be null @ 'item'"),
    (
        "{ item(id: 1, input: 3) { id } }",
        "WrongType: argument 'input' with value 'IntValue{value=3}' must be an object type @ 'item'",
    ),
    (
        'query($n: Int = "x") { item(id: 1) { sub(n: $n) { id } } }',
        "BadValueForDefaultArg: Bad default value StringValue{value='x'} for type Int",
    ),
    ("query { a } type T { a: ID }", "NonExecutableDefinition: The 'T' definition is not executable"),
]


@pytest.mark.parametrize(("text", "wording"), WORDINGS, ids=[wording.split(":")[0] for _, wording in WORDINGS])
def test_validation_errors_speak_as_graphql_java(text: str, wording: str) -> None:
    assert errors(text)[0]["message"] == f"Validation error of type {wording}"


def test_every_rule_of_graphql_core_has_its_wording() -> None:
    assert {rule.__name__ for rule in specified_rules} == set(WORDING) | REPLACED


def test_an_error_inside_a_fragment_has_the_fragment_in_its_path() -> None:
    messages = [error["message"] for error in errors("{ item(id: 1) { ...F } } fragment F on Item { sub { zz } }")]
    assert messages == ["Validation error of type FieldUndefined: Field 'zz' in type 'Item' is undefined @ 'F/sub/zz'"]


def test_a_variable_mismatch_points_at_its_usage() -> None:
    text = "query($x: String!) {\n  item(id: $x) { id }\n}"
    assert errors(text)[0]["locations"] == [{"line": 2, "column": 12, "sourceName": None}]


def test_thousands_of_equal_fields_are_merged_without_comparing_each_pair() -> None:
    began = time.process_time()
    assert errors("{ " + "item(id: 1) { id } " * 1_500 + "}") == []
    (error,) = errors("{ " + "item(id: 1) { id } " * 1_500 + "item(id: 2) { id } }")
    assert error["message"].startswith("Validation error of type FieldsConflict: item: they have differing arguments")
    assert time.process_time() - began < 4  # half a million pairs would take longer each


def test_fragments_that_come_to_too_many_fields_are_refused() -> None:
    wide = "fragment f on Item { " + " ".join(f"a{number}: id" for number in range(900)) + " }"
    spreads = " ".join(f"b{number}: item(id: 1) {{ x{number}: id ...f }}" for number in range(500))
    (error,) = errors(f"{{ {spreads} }} {wide}")
    assert error["message"].startswith("Validation aborted: ")
    few = " ".join(f"b{number}: item(id: 1) {{ x{number}: id ...f }}" for number in range(5))
    assert errors(f"{{ {few} }} {wide}") == []


def test_fields_that_conflict_are_refused() -> None:
    message = errors("{ item(id: 1) { x: id x: name } }")[0]["message"]
    assert message.startswith("Validation error of type FieldsConflict: x: ")


def test_a_hundred_errors_are_enough() -> None:
    text = "{ " + " ".join(f"x: item(id: {number}) {{ id }}" for number in range(100)) + " }"
    assert len(errors(text)) == 100  # of 4,950 pairs


def test_with_introspection_off_its_fields_are_undefined_and_typename_works() -> None:
    messages = [error["message"] for error in errors('{ __schema { types { name } } __type(name: "a") { name } }')]
    assert messages == []
    messages = [
        error["message"]
        for error in errors(
            '{ __typename __schema { types { name } } __type(name: "a") { name } }', introspection=False
        )
    ]
    assert messages == [
        "Validation error of type FieldUndefined: Field '__schema' in type 'Query' is undefined @ '__schema'",
        "Validation error of type FieldUndefined: Field '__type' in type 'Query' is undefined @ '__type'",
    ]


def test_a_query_over_the_token_limit_is_refused() -> None:
    with pytest.raises(OperationError) as raised:
        documents(query_tokens=10).load("{ a a a a a a a a a a a a }")
    assert raised.value.errors == [{"path": None, "locations": None, "message": "Maximum char length exceeded."}]


def test_the_token_limit_is_about_tokens_not_characters() -> None:
    assert (
        documents(query_tokens=10).load("{ a } # a long comment of many words, none of which is a token").errors == []
    )


def nested(levels: int) -> str:
    return "sub { " * levels + "id" + " }" * levels


def test_selections_may_be_nested_deeply() -> None:
    assert documents().load(f"{{ item(id: 1) {{ {nested(190)} }} }}").errors == []


@pytest.mark.parametrize(
    "text",
    [
        f"{{ item(id: 1) {{ {nested(300)} }} }}",
        f"{{ item(id: 1) {{ {nested(100)[:-200].replace('id', '...F')} }} }}".replace("...F", "...F" + " }" * 100)
        + f" fragment F on Item {{ {nested(150)} }}",
        "{ item(id: 1) { ...F0 } }"
        + "".join(f" fragment F{n} on Item {{ sub {{ ...F{n + 1} }} }}" for n in range(900))
        + " fragment F900 on Item { id }",
    ],
    ids=["in one definition", "through a fragment", "through many fragments"],
)
def test_selections_nested_too_deeply_are_refused(text: str) -> None:
    with pytest.raises(MalformedQueryError):
        documents().load(text)


def test_several_operations_need_a_name() -> None:
    document = documents().load("query A { a } query B { a }")
    with pytest.raises(MissingOperationNameError) as raised:
        document.operation(None)
    assert raised.value.errors == [{"errorType": "BadRequestException", "message": "Missing operation name."}]
    assert raised.value.status == 400


def test_an_operation_is_selected_by_name() -> None:
    operation = documents().load("query A { a } query B { a }").operation("B")
    assert operation.name
    assert operation.name.value == "B"


def test_the_only_operation_needs_no_name() -> None:
    assert documents().load("query A { a }").operation("")


def test_an_unknown_operation_name_is_an_error() -> None:
    with pytest.raises(OperationError) as raised:
        documents().load("query A { a }").operation("C")
    assert raised.value.errors == [
        {"path": None, "locations": None, "message": "Unknown operation named 'C'."},
    ]


def test_a_text_is_validated_once() -> None:
    metrics = Metrics()
    cache = Documents(SCHEMA, Limits(), metrics, introspection=True)
    assert cache.load("{ a }") is cache.load("{ a }")
    cache.load("{ b: a }")
    assert metrics.documents_validated == 2


def test_the_cache_forgets_the_least_recently_used() -> None:
    metrics = Metrics()
    cache = Documents(SCHEMA, Limits(cached_documents=2), metrics, introspection=True)
    for text in ("{ a }", "{ b: a }", "{ a }", "{ c: a }", "{ a }"):
        cache.load(text)
    assert metrics.documents_validated == 3


def test_of_large_documents_few_are_kept() -> None:
    """Each takes megabytes: a thousand of them would take all the memory."""
    metrics = Metrics()
    documents = Documents(SCHEMA, Limits(), metrics, introspection=True)
    texts = ["{ " + f"a{number}: a " + "a " * LARGE_CHARACTERS + "}" for number in range(LARGE_KEPT + 1)]
    for text in [*texts, texts[-1], texts[0]]:
        documents.load(text)
    assert metrics.documents_validated == len(texts) + 1  # the last is kept, the first is not any more


async def test_large_documents_are_read_beside_the_event_loop() -> None:
    threads = []

    def read() -> str:
        threads.append(threading.current_thread())
        return "read"

    assert await beside_when_large("{ a }", read) == "read"
    assert await beside_when_large("x" * (LARGE_CHARACTERS + 1), read) == "read"
    assert [thread is threading.main_thread() for thread in threads] == [True, False]
