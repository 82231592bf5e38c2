import re
from typing import Any

import pytest

from tools import publish_documents

SCHEMA = """
type Mutation { publishA(input: AInput!): As other: String }
type Subscription { onA: As @aws_subscribe(mutations: ["publishA"]) }
input AInput { topic: String! at: AWSDateTime items: [AItemInput!]! }
input AItemInput { id: ID! inner: BInput withDefault: Int kind: Kind! }
input BInput { x: Int }
enum Kind { NEW OLD }
type As { topic: String! at: AWSDateTime items: [A!]! }
type A { id: ID! inner: B computed(size: Int!): Int withDefault(size: Int = 1): Int kind: Kind! }
type B { x: Int }
"""


def generated(text: str = SCHEMA) -> dict[str, Any]:
    module: dict[str, Any] = {}
    exec(publish_documents.module(text), module)  # noqa: S102 - our own generator's output
    return module


def test_a_document_selects_every_field_that_needs_no_argument() -> None:
    assert generated()["DOCUMENTS"] == {
        "publishA": (
            "mutation PublishA($input: AInput!) { publishA(input: $input) "
            "{ topic at items { id inner { x } withDefault kind } } }"
        )
    }


def test_the_inputs_come_with_their_types() -> None:
    module = generated()
    assert module["INPUTS"] == {"publishA": "AInput"}
    assert module["INPUT_TYPES"] == {
        "AInput": {"topic": "String!", "at": "AWSDateTime", "items": "[AItemInput!]!"},
        "AItemInput": {"id": "ID!", "inner": "BInput", "withDefault": "Int", "kind": "Kind!"},
        "BInput": {"x": "Int"},
    }
    assert module["ENUMS"] == {"Kind": ("NEW", "OLD")}


@pytest.mark.parametrize(
    ("change", "to", "gap"),
    [
        ("inner: BInput ", "", "A.inner: is missing in AItemInput"),
        ("{ x: Int }\nenum", "{ y: Int }\nenum", "B.x: is missing in BInput"),
        ("{ x: Int }\nenum", "{ x: Int y: Int }\nenum", "BInput.y: B has no such field"),
        ("{ x: Int }\nenum", "{ x: Float }\nenum", "BInput.x: is Float, but B.x is Int"),
        ("kind: Kind! }\ninput", "kind: Kind }\ninput", "AItemInput.kind: is Kind, but A.kind is Kind!"),
        ("(input: AInput!)", "(other: AInput!)", "Mutation.publishA: takes no `input` object"),
    ],
)
def test_an_input_that_cannot_carry_what_is_published_is_refused(change: str, to: str, gap: str) -> None:
    assert change in SCHEMA
    with pytest.raises(publish_documents.IncompleteInput, match=re.escape(gap)):
        publish_documents.module(SCHEMA.replace(change, to))


def test_a_type_that_contains_itself_is_refused() -> None:
    with pytest.raises(publish_documents.CyclicType, match="As -> A -> B -> B"):
        publish_documents.module(
            SCHEMA.replace("BInput { x: Int", "BInput { x: Int again: BInput").replace(
                "B { x: Int }", "B { x: Int again: B }"
            )
        )


def test_the_committed_documents_are_current() -> None:
    assert publish_documents.main(["--check"]) == 0
