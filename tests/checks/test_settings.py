from pathlib import Path

import pytest

from checks.settings import problems


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "local").mkdir()
    (tmp_path / "local/settings.py").write_text('PORT = environ.get("HEADWATER_PORT", "4000")\n')
    (tmp_path / "README.md").write_text("| `HEADWATER_PORT` | where to listen |\n")
    return tmp_path


def test_what_is_read_and_explained_passes(project: Path) -> None:
    assert problems(project) == []


def test_a_variable_that_no_document_explains_is_named(project: Path) -> None:
    (project / "local/cloud.py").write_text('environ["HEADWATER_SECRET_SWITCH"]')
    (problem,) = problems(project)
    assert problem == "local/cloud.py: reads HEADWATER_SECRET_SWITCH, which README.md and docs/ do not explain"


def test_a_documented_variable_that_no_code_reads_is_named(project: Path) -> None:
    (project / "README.md").write_text("`HEADWATER_PORT`, `HEADWATER_GONE`")
    (problem,) = problems(project)
    assert problem == "README.md: explains HEADWATER_GONE, which no code reads"


def test_what_one_process_sets_for_another_needs_no_document(project: Path) -> None:
    (project / "local/cloud.py").write_text('environ["HEADWATER_NOTIFY"]')
    assert problems(project) == []
