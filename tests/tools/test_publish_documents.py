import pytest

from tools import publish_documents

SCHEMA = """
type Mutation { publishA(input: AInput!): As other: String }
type Subscription { onA: As @aws_subscribe(mutations: ["publishA"]) }
input AInput { id: ID! }
type As { topic: String! at: AWSDateTime items: [A!]! }
type A { id: ID! inner: B computed(size: Int!): Int withDefault(size: Int = 1): Int }
type B { x: Int }
"""


def test_a_document_selects_every_field_that_needs_no_argument() -> None:
    module: dict[str, dict[str, str]] = {}
    exec(publish_documents.module(SCHEMA), module)  # noqa: S102 - our own generator's output
    assert module["DOCUMENTS"] == {
        "publishA": (
            "mutation PublishA($input: AInput!) { publishA(input: $input) "
            "{ topic at items { id inner { x } withDefault } } }"
        )
    }


def test_a_type_that_contains_itself_is_refused() -> None:
    with pytest.raises(publish_documents.CyclicType, match="As -> A -> B -> B"):
        publish_documents.module(SCHEMA.replace("{ x: Int }", "{ x: Int again: B }"))


def test_the_committed_documents_are_current() -> None:
    assert publish_documents.main(["--check"]) == 0
