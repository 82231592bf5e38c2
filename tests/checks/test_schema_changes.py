"""What each kind of schema change does to stored operations."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from checks import schema_changes
from checks.operation_uses import read, uses
from checks.project import ROOT
from checks.schema import load
from checks.schema_changes import Finding, findings

SCHEMA = """
type Query {
  messages(roomId: ID!, order: Order = NEWEST_FIRST, limit: Int): [Message!]!
  search(text: String!, filter: FilterInput): [Result!]!
  unused(size: Int): Other
}
type Mutation { send(input: SendInput!): Message }
type Message implements Node { id: ID! text: String! mood: Mood edits: Int! unread: Int author: Author! }
type Author { name: String! }
type Other { x: Int! y: [String!]! }
interface Node { id: ID! }
union Result = Message | Other
enum Order { OLDEST_FIRST NEWEST_FIRST BY_AUTHOR }
enum Mood { CALM LOUD }
enum Kind { TEXT IMAGE }
input SendInput { text: String! kind: Kind note: NoteInput }
input NoteInput { text: String }
input FilterInput { authors: [ID!] }
input UnusedInput { x: Int }
"""

OPERATIONS = """query Messages($roomId: ID!, $limit: Int) {
  messages(roomId: $roomId, limit: $limit) {
    ...Message
  }
}
query Oldest {
  messages(roomId: "lobby", order: OLDEST_FIRST) {
    id
  }
}
query Search($text: String!) {
  search(text: $text) {
    ... on Message {
      id
    }
  }
}
mutation Send($input: SendInput!) {
  send(input: $input) {
    ...Message
  }
}
fragment Message on Message {
  id
  text
  mood
  edits
  author {
    name
  }
}
"""


@dataclass(frozen=True)
class Case:
    """A change of the schema by replacing texts, and what is to be said of it."""

    name: str
    replace: tuple[tuple[str, str], ...]
    text: str | None  # the change, None when it hurts nobody
    breaks: tuple[str, ...] = ()  # line of the operations' file and definition; none: a warning


CASES = (
    Case("nothing changed", (), None),
    # Fields.
    Case("a field was added", (("text: String! mood", "text: String! html: String mood"),), None),
    Case("an unused field was removed", ((" unread: Int", ""),), "Field Message.unread was removed."),
    Case(
        "a used field was removed",
        (("text: String! mood", "mood"),),
        "Field Message.text was removed.",
        ("25 (fragment Message)",),
    ),
    Case(
        "a used root field was removed",
        (("send(input: SendInput!): Message", "other: Message"),),
        "Field Mutation.send was removed.",
        ("19 (mutation Send)",),
    ),
    Case(
        "a used field may be null now",
        (("edits: Int!", "edits: Int"),),
        "Field Message.edits changed type from Int! to Int.",
        ("27 (fragment Message)",),
    ),
    Case("a used field is never null now", (("mood: Mood", "mood: Mood!"),), None),
    Case("an unused field may be null now", (("x: Int!", "x: Int"),), "Field Other.x changed type from Int! to Int."),
    Case(
        "a used field has another type",
        (("edits: Int!", "edits: String!"),),
        "Field Message.edits changed type from Int! to String!.",
        ("27 (fragment Message)",),
    ),
    Case(
        "items may be null now",
        (("[Message!]!", "[Message]!"),),
        "Field Query.messages changed type from [Message!]! to [Message]!.",
        ("2 (query Messages)", "7 (query Oldest)"),
    ),
    # Types.
    Case("a type was added", (("enum Mood", "type New { x: Int }\nenum Mood"),), None),
    Case("an unused type was removed", (("input UnusedInput { x: Int }", ""),), "UnusedInput was removed."),
    Case(
        "a used type was removed",
        (("type Author { name: String! }", ""), ("author: Author!", "author: String!")),
        "Author was removed.",
        ("28 (fragment Message)", "29 (fragment Message)"),
    ),
    Case(
        "a type is of another kind",
        (("type Author {", "interface Author {"),),
        "Author changed from an Object type to an Interface type.",
        ("28 (fragment Message)", "29 (fragment Message)"),
    ),
    Case(
        "an unused member left a union",
        (("union Result = Message | Other", "union Result = Message"),),
        "Other was removed from union type Result.",
    ),
    Case(
        "an asked member left a union",
        (("union Result = Message | Other", "union Result = Other"),),
        "Message was removed from union type Result.",
        ("13 (query Search)",),
    ),
    # Enums.
    Case("an enum value was added", (("CALM LOUD", "CALM LOUD SHY"),), None),
    Case("a value that is only received was removed", (("CALM LOUD", "CALM"),), "Enum value Mood.LOUD was removed."),
    Case(
        "a value that a variable may carry was removed",
        (("TEXT IMAGE", "TEXT"),),
        "Enum value Kind.IMAGE was removed.",
        ("18 (mutation Send)",),
    ),
    Case(
        "a value that an operation names was removed",
        (("OLDEST_FIRST NEWEST_FIRST", "NEWEST_FIRST"),),
        "Enum value Order.OLDEST_FIRST was removed.",
        ("7 (query Oldest)",),
    ),
    Case("a value that none names was removed", ((" BY_AUTHOR", ""),), "Enum value Order.BY_AUTHOR was removed."),
    # Arguments.
    Case("an optional argument was added", (("limit: Int)", "limit: Int after: ID)"),), None),
    Case(
        "a required argument was added to a used field",
        (("limit: Int)", "limit: Int after: ID!)"),),
        "A required argument Query.messages(after:) was added.",
        ("2 (query Messages)", "7 (query Oldest)"),
    ),
    Case(
        "a required argument was added to an unused field",
        (("unused(size: Int)", "unused(size: Int, shape: Int!)"),),
        "A required argument Query.unused(shape:) was added.",
    ),
    Case(
        "a used argument was made required",
        (("limit: Int)", "limit: Int!)"),),
        "Argument Query.messages(limit:) has changed type from Int to Int!.",
        ("2 (query Messages)", "7 (query Oldest)"),
    ),
    Case(
        "an argument that none gives was made required where all give it",
        (("text: String!, filter: FilterInput", "text: String, filter: FilterInput"),),
        None,
    ),
    Case(
        "a given argument was removed",
        ((", limit: Int)", ")"),),
        "Argument Query.messages(limit:) was removed.",
        ("2 (query Messages)",),
    ),
    Case(
        "an argument that none gives was removed",
        ((", filter: FilterInput", ""),),
        "Argument Query.search(filter:) was removed.",
    ),
    Case(
        "an argument has another type",
        (("search(text: String!", "search(text: ID!"),),
        "Argument Query.search(text:) has changed type from String! to ID!.",
        ("12 (query Search)",),
    ),
    Case(
        "an omitted argument means something else",
        (("order: Order = NEWEST_FIRST", "order: Order = OLDEST_FIRST"),),
        "Query.messages(order:) has changed defaultValue from NEWEST_FIRST to OLDEST_FIRST. "
        "Who omits it gets something else.",
    ),
    # Inputs.
    Case("an optional field of an input was added", (("kind: Kind", "kind: Kind to: ID"),), None),
    Case(
        "a required field of a used input was added",
        (("kind: Kind", "kind: Kind to: ID!"),),
        "A required field SendInput.to was added.",
        ("18 (mutation Send)",),
    ),
    Case(
        "a required field was added inside a used input",
        (("input NoteInput { text: String }", "input NoteInput { text: String to: ID! }"),),
        "A required field NoteInput.to was added.",
        ("18 (mutation Send)",),
    ),
    Case(
        "a required field of an unused input was added",
        (("input FilterInput {", "input FilterInput { size: Int!"),),
        "A required field FilterInput.size was added.",
    ),
    Case(
        "a field of a used input was removed",
        ((" kind: Kind note", " note"),),
        "Field SendInput.kind was removed.",
        ("18 (mutation Send)",),
    ),
    Case(
        "a field of a used input has another type",
        (("kind: Kind", "kind: String"),),
        "Field SendInput.kind changed type from Kind to String.",
        ("18 (mutation Send)",),
    ),
    Case(
        "a field of a used input was made required",
        (("kind: Kind", "kind: Kind!"),),
        "Field SendInput.kind changed type from Kind to Kind!.",
        ("18 (mutation Send)",),
    ),
    Case("a field of an input may be omitted now", (("{ text: String! kind", "{ text: String kind"),), None),
    # Interfaces.
    Case(
        "a used type lost its interface",
        (("type Message implements Node", "type Message"),),
        "Message no longer implements interface Node.",
        (
            "2 (query Messages)",
            "7 (query Oldest)",
            "8 (query Oldest)",
            "14 (query Search)",
            "19 (mutation Send)",
            "24 (fragment Message)",
            "25 (fragment Message)",
            "26 (fragment Message)",
            "27 (fragment Message)",
            "28 (fragment Message)",
        ),
    ),
    # Who may see what.
    Case(
        "a used type is closed to a mode",
        (("type Author {", "type Author @aws_iam {"),),
        "Field Author.name is closed to @aws_api_key.",
        ("29 (fragment Message)",),
    ),
    Case(
        "an unused field is closed to a mode",
        ((" unread: Int", " unread: Int @aws_cognito_user_pools"),),
        "Field Message.unread is closed to @aws_api_key.",
    ),
    Case("a type is open to one more mode", (("type Author {", "type Author @aws_iam @aws_api_key {"),), None),
)


@pytest.fixture
def judged(tmp_path: Path, case: Case) -> list[Finding]:
    (tmp_path / "all.graphql").write_text(OPERATIONS)
    changed = SCHEMA
    for before, after in case.replace:
        assert before in changed
        changed = changed.replace(before, after)
    return findings(load(SCHEMA), load(changed), read(tmp_path, tmp_path))


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_the_verdict(case: Case, judged: list[Finding]) -> None:
    if case.text is None:
        assert judged == []
        return
    finding = next(each for each in judged if each.text == case.text)
    assert [str(each) for each in finding.breaks] == [f"all.graphql:{each}" for each in case.breaks]
    # Whatever else is said follows from the same change.
    assert case.breaks or not any(each.breaks for each in judged)


def test_groups_of_a_mode() -> None:
    def schema(directive: str) -> str:
        return f"type Query {{ users: [Int] @aws_cognito_user_pools{directive} }}"

    document = read(Path(__file__).parent, Path(__file__).parent)  # a folder without operations
    open_to_all, operators, both = (
        schema(""),
        *(schema(f"(cognito_groups: {groups})") for groups in ('["operators"]', '["operators", "sellers"]')),
    )

    def said(old: str, new: str) -> list[str]:
        return [each.text for each in findings(load(old), load(new), document)]

    field = "Field Query.users is closed to @aws_cognito_user_pools of "
    assert said(open_to_all, operators) == [f"{field}all but operators."]
    assert said(both, operators) == [f"{field}sellers."]
    assert said(operators, both) == []
    assert said(operators, open_to_all) == []


def test_a_finding_names_the_file_the_line_and_the_operation(tmp_path: Path) -> None:
    root = project(tmp_path, SCHEMA.replace("text: String! mood", "mood"))
    (finding,) = schema_changes.of_release(root, root / "client" / "released" / "1.0.0")
    assert str(finding).splitlines() == [
        "breaks: Field Message.text was removed.",
        "    client/released/1.0.0/operations/all.graphql:25 (fragment Message)",
    ]


def project(root: Path, schema: str) -> Path:
    """A project whose clients of 1.0.0 have SCHEMA and OPERATIONS, and whose schema is now another."""
    released = root / "client" / "released" / "1.0.0"
    for folder in (released / "operations", root / "client" / "operations"):
        folder.mkdir(parents=True)
        (folder / "all.graphql").write_text(OPERATIONS)
    (released / "schema.graphql").write_text(SCHEMA)
    (root / "schema.graphql").write_text(schema)
    (root / "pyproject.toml").write_text('[project]\nversion = "1.0.0"\n')
    return root


def test_a_version_whose_clients_would_break_is_not_replaced(tmp_path: Path) -> None:
    root = project(tmp_path, SCHEMA.replace("text: String! mood", "mood"))
    assert "raise the version first" in schema_changes.release(root)
    assert (root / "client" / "released" / "1.0.0" / "schema.graphql").read_text() == SCHEMA


def test_a_release_keeps_the_schema_and_the_operations(tmp_path: Path) -> None:
    added = SCHEMA.replace("text: String! mood", "text: String! html: String mood")
    root = project(tmp_path, added)
    (root / "client" / "operations" / "more.graphql").write_text("query More { unused { x } }")
    assert schema_changes.release(root) == "kept the schema and the operations of 1.0.0"
    folder = root / "client" / "released" / "1.0.0"
    assert (folder / "schema.graphql").read_text() == added
    assert {path.name for path in (folder / "operations").iterdir()} == {"all.graphql", "more.graphql"}
    assert schema_changes.releases(root) == [folder]


def test_an_operation_that_never_fitted_is_named(tmp_path: Path) -> None:
    (tmp_path / "bad.graphql").write_text("query Bad { missing }")
    (finding,) = findings(load(SCHEMA), load(SCHEMA), read(tmp_path, tmp_path))
    assert finding.text == "Cannot query field 'missing' on type 'Query'."
    assert [str(each) for each in finding.breaks] == ["bad.graphql:1 (query Bad)"]


def test_uses_are_found_through_variables_and_fragments(tmp_path: Path) -> None:
    (tmp_path / "all.graphql").write_text(OPERATIONS)
    used = uses(read(tmp_path, tmp_path), load(SCHEMA))
    assert {"SendInput", "SendInput.note", "NoteInput.text", "Kind.IMAGE", "Query.messages(limit:)"} <= set(used.sent)
    assert {"Message.author", "Author.name", "Mood", "Result"} <= set(used.selected)
    assert not {"Other", "Message.unread", "FilterInput", "UnusedInput"} & (set(used.sent) | set(used.selected))


@pytest.mark.parametrize(
    ("was", "now", "status", "said"),
    [
        ("", "", 0, ""),
        ("  gone: Int\n", "", 77, "warning: Field Message.gone was removed. No stored operation breaks"),
        ("  text: Int!\n", "  text: String!\n", 1, "client/operations/messages.graphql:"),
    ],
)
def test_the_command_tells_by_its_status(
    was: str, now: str, status: int, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    present = (ROOT / "schema.graphql").read_text()
    head, message, rest = present.partition("type Message @")
    mode, brace, fields = rest.partition("{\n")
    old = fields.replace(now, was, 1) if now else was + fields
    (tmp_path / "old.graphql").write_text(head + message + mode + brace + old)
    assert schema_changes.main(["--against", str(tmp_path / "old.graphql")]) == status
    assert said in capsys.readouterr().out
