from pathlib import Path

import pytest

from checks.error_catalogue import problems

CODE = """
class DomainError(Exception): ...
class InvalidInput(DomainError):
    type = "InvalidInput"
class TryAgain(DomainError):
    type = "TryAgain"
class Unrelated(Exception):
    type = "Unrelated"
"""
HEAD = "# Errors\n\n| errorType | when |\n|---|---|\n"
OTHER_TABLE = "\nAppSync's own:\n\n| errorType | when |\n|---|---|\n| `Code` | a script failed |\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "backend/domain").mkdir(parents=True)
    (tmp_path / "backend/domain/errors.py").write_text(CODE)
    (tmp_path / "docs").mkdir()
    return tmp_path


@pytest.mark.parametrize(
    ("rows", "problem"),
    [
        (["InvalidInput", "TryAgain"], None),
        (["InvalidInput"], "docs/errors.md: does not explain TryAgain"),
        (["InvalidInput", "TryAgain", "Gone"], "docs/errors.md: explains Gone, which"),
        (["TryAgain", "InvalidInput"], "docs/errors.md: the order is not that of"),
    ],
)
def test_the_first_table_holds_the_list(project: Path, rows: list[str], problem: str | None) -> None:
    table = "".join(f"| `{row}` | then |\n" for row in rows)
    (project / "docs/errors.md").write_text(HEAD + table + OTHER_TABLE)
    found = problems(project)
    assert found == [] if problem is None else found[0].startswith(problem)


def test_a_missing_document_is_a_problem(project: Path) -> None:
    assert problems(project) == ["docs/errors.md is missing"]
