"""Documents under test: each kind of untruth in a small project of its own, and its true twin."""

from pathlib import Path

import pytest

from checks.documents import anchors, problems_in

SCHEMA = """
"Queries."
type Query { "A room." room(id: ID!): Room }
"A room." type Room { "Its id." id: ID! }
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/protocol.md").write_text("# Protocol\n\n## The envelope, `MessageChanges`\n")
    (tmp_path / "schema.graphql").write_text(SCHEMA)
    (tmp_path / "Makefile").write_text("PORT := 4000\ndev: install ## Run\n\t@true\n")
    (tmp_path / "local").mkdir()
    (tmp_path / "local/__main__.py").write_text("")
    return tmp_path


def check(project: Path, text: str) -> list[str]:
    path = project / "README.md"
    path.write_text(text)
    return problems_in(path, project)


@pytest.mark.parametrize(
    "text",
    [
        "[protocol](docs/protocol.md) and [its envelope](docs/protocol.md#the-envelope-messagechanges)",
        "[elsewhere](https://example.org/nothing)",
        '```json\n{"a": 1}\n```',
        "```graphql\nquery Room { room(id: 1) { id } }\n```",
        "```graphql\ntype Cart { owner: ID! }\n```",
        "```python\nasync def main() -> None: ...\n```",
        "Run `make dev`, or `python -m local up`.",
        "```\nsome text, {not: json}\nmake dev\n```",
        "To make nothing of it.",
    ],
)
def test_what_is_true_passes(project: Path, text: str) -> None:
    assert check(project, text) == []


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("one\n[gone](docs/gone.md)", "README.md:2: the link leads nowhere: docs/gone.md"),
        ("[gone](docs/protocol.md#gone)", "README.md:1: no such heading: docs/protocol.md#gone"),
        ("[out](../elsewhere.md)", "README.md:1: the link leads out of the project: ../elsewhere.md"),
        ("one\n```json\n{'a': 1}\n```", "README.md:3: not valid json"),
        ("```graphql\nquery { room { id } }\n```", "README.md:2: not valid graphql: Argument 'Query.room(id:)'"),
        ("```graphql\nquery { cart\n```", "README.md:2: not valid graphql: Syntax Error"),
        ("```python\ndef main(:\n```", "README.md:2: not valid python"),
        ("```yaml\na: [\n```", "README.md:2: not valid yaml"),
        ("Run `make nothing`.", "README.md:1: no such make target: nothing"),
        ("```\nmake nothing\n```", "README.md:2: no such make target: nothing"),
        ("Run `python -m local.nothing`.", "README.md:1: no such module to run: local.nothing"),
    ],
)
def test_what_is_untrue_is_named_with_its_line(project: Path, text: str, problem: str) -> None:
    (found,) = check(project, text)
    assert found.startswith(problem)


def test_anchors_are_those_of_github() -> None:
    assert anchors("# Why it exists\n## `make dev`, then?\n```\n# no heading\n```\n") == {
        "why-it-exists",
        "make-dev-then",
    }
