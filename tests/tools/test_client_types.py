"""The Python types of stored operations: what is generated, and what is refused."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from graphql import strip_ignored_characters

from tools import client_types
from tools.client_types import InvalidOperations

SCHEMA = """
type Query { thing(id: ID!): Thing  things: [Thing!]! }
type Mutation { makeThing(input: ThingInput!): Thing }
"A thing."
type Thing { id: ID! day: AWSDate at: AWSDateTime! clock: AWSTime stamp: AWSTimestamp! data: AWSJSON mail: AWSEmail
  phone: AWSPhone address: AWSIPAddress link: AWSURL kind: Kind! inner: Inner innerList: [Inner!]! }
type Inner { someText: String! }
"What to make."
input ThingInput { at: AWSDateTime data: AWSJSON parts: [PartInput!] }
input PartInput { kind: Kind! }
input UnusedInput { kind: Kind }
enum Kind { NEW OLD }
"""
OPERATIONS = {
    "things.graphql": """
query ThingById($id: ID!) { thing(id: $id) { ...Thing } }
query Things { things { ...Thing } }
mutation MakeThing($input: ThingInput!) { makeThing(input: $input) { id } }
fragment Thing on Thing { id day at clock stamp data mail phone address link kind
  inner { ...Inner } innerList { ...Inner } }
fragment Inner on Inner { someText }
"""
}


def folder(tmp_path: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    return tmp_path


def refusal(tmp_path: Path, files: dict[str, str]) -> list[str]:
    with pytest.raises(InvalidOperations) as caught:
        client_types.package(SCHEMA, folder(tmp_path, files))
    return caught.value.problems


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return client_types.package(SCHEMA, folder(tmp_path_factory.mktemp("operations"), OPERATIONS))


def test_a_module_for_each_operation_and_one_each_for_what_they_share(generated: dict[str, str]) -> None:
    assert set(generated) == {
        "__init__.py",
        "base_model.py",
        "documents.py",
        "enums.py",
        "fragments.py",
        "input_types.py",
        "make_thing.py",
        "thing_by_id.py",
        "things.py",
    }


def test_each_scalar_has_its_type(generated: dict[str, str]) -> None:
    lines = generated["fragments.py"].splitlines()
    for line in (
        "    day: AWSDate | None = Field(default=None)",
        "    at: AWSDateTime",
        "    clock: AWSTime | None = Field(default=None)",
        "    stamp: AWSTimestamp",
        "    data: Annotated[AWSJSON, BeforeValidator(parse_json)] | None = Field(default=None)",
        "    mail: str | None = Field(default=None)",
        "    phone: str | None = Field(default=None)",
        "    address: str | None = Field(default=None)",
        "    link: str | None = Field(default=None)",
    ):
        assert line in lines


def test_an_answers_json_is_parsed_and_an_inputs_is_not(generated: dict[str, str]) -> None:
    assert "    data: AWSJSON | None = None" in generated["input_types.py"]
    inputs: dict[str, Any] = {}
    text = generated["input_types.py"].replace("from .base_model", "from headwater.generated.base_model")
    exec(text.replace("from .enums import Kind", "Kind = str"), inputs)  # noqa: S102 - our own generator's output
    made = inputs["ThingInput"]
    made.model_rebuild(_types_namespace=inputs)
    assert made(data="a text").to_wire() == {"data": '"a text"'}
    assert made(data={"a": [1]}).to_wire() == {"data": '{"a":[1]}'}
    assert made(data=None).to_wire() == {"data": None}


def test_a_fragment_in_a_fragment_is_the_same_class(generated: dict[str, str]) -> None:
    fragments = generated["fragments.py"]
    assert "    inner: Inner | None" in fragments
    assert "    inner_list: list[Inner]" in fragments
    assert fragments.count("class ") == 2


def test_types_tell_what_the_schema_says_of_them(generated: dict[str, str]) -> None:
    assert 'class Thing(BaseModel):\n    """A thing."""' in generated["fragments.py"]
    assert 'class ThingInput(BaseModel):\n    """What to make."""' in generated["input_types.py"]


def test_inputs_that_no_operation_takes_are_left_out(generated: dict[str, str]) -> None:
    assert "class PartInput" in generated["input_types.py"]
    assert "UnusedInput" not in generated["input_types.py"]


def test_a_document_has_the_fragments_that_it_needs_and_no_other(generated: dict[str, str]) -> None:
    documents: dict[str, Any] = {}
    exec(generated["documents.py"], documents)  # noqa: S102 - our own generator's output
    assert documents["THINGS"].count("fragment ") == 2
    assert "fragment" not in documents["MAKE_THING"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            "query A { things { id } }\nquery B { missing }",
            "bad.graphql:2: Cannot query field 'missing' on type 'Query'.",
        ),
        ("query A { things { id }", "bad.graphql:1: Syntax Error: Expected Name, found <EOF>."),
        ("fragment Lonely on Thing { id }", "bad.graphql:1: Fragment 'Lonely' is never used."),
        ("query A($limit: Int) { things { id } }", "bad.graphql:1: Variable '$limit' is never used in operation 'A'."),
        ("query A { things { id } }\nfragment A on Thing { id }", "A: the name of two definitions"),
    ],
)
def test_what_does_not_fit_is_named_with_its_place(tmp_path: Path, text: str, problem: str) -> None:
    assert problem in refusal(tmp_path, {"bad.graphql": text})


def test_two_files_with_one_name_are_refused(tmp_path: Path) -> None:
    problems = refusal(tmp_path, {"a.graphql": "query A { things { id } }", "b.graphql": "query A { things { id } }"})
    assert any("A: the name of two definitions" in problem for problem in problems)


def test_an_operation_with_the_name_of_an_input_is_refused(tmp_path: Path) -> None:
    text = "mutation ThingInput($input: ThingInput!) { makeThing(input: $input) { id } }"
    assert refusal(tmp_path, {"a.graphql": text}) == [
        "ThingInput: a class of input_types.py and of thing_input.py; rename one"
    ]


def test_a_new_operation_is_sorted_among_the_others(generated: dict[str, str]) -> None:
    # None of these modules is there to be found when the imports are sorted.
    named = [line for line in generated["__init__.py"].splitlines() if line.startswith("    from headwater.generated")]
    assert named == sorted(named)
    assert "\n\n    from" not in generated["__init__.py"]


def test_both_languages_have_the_same_operations() -> None:
    script = (client_types.ROOT / "client" / "web" / "src" / "generated" / "documents.ts").read_text()
    pattern = re.compile(r'^export const (\w+) =\s+("(?:[^"\\]|\\.)*") as TypedDocument', re.MULTILINE)
    typescript = {match[1]: json.loads(match[2]) for match in pattern.finditer(script)}
    module: dict[str, Any] = {}
    exec((client_types.OUTPUT / "documents.py").read_text(), module)  # noqa: S102 - our own generator's output
    python = {name: strip_ignored_characters(text) for name, text in module.items() if name.isupper()}
    assert typescript == python


def test_what_is_not_current_is_named(tmp_path: Path) -> None:
    (tmp_path / "stale.py").write_text("old")
    (tmp_path / "gone.py").write_text("")
    assert client_types.differences(tmp_path, {"stale.py": "new", "missing.py": ""}) == [
        "stale.py is not current",
        "missing.py is missing",
        "gone.py has no operation any more",
    ]


def test_it_writes_the_same_whatever_order_sets_have() -> None:
    command = [sys.executable, "-m", "tools.client_types", "--check"]
    for seed in ("1", "2"):
        done = subprocess.run(
            command, cwd=client_types.ROOT, env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True, check=False
        )
        assert (done.returncode, done.stdout.strip()) == (0, b"")
