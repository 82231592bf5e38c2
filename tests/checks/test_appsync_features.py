"""`docs/appsync.md` and `docs/event-sources.md` are true and complete; and the check can tell."""

from pathlib import Path

import pytest

from checks.appsync_features import DOCUMENT, PAGES, choices_in, problems, problems_in, refusals_in, rows_of
from checks.project import ROOT

TABLE = (ROOT / DOCUMENT).read_text()


def test_the_projects_own_table_is_complete_and_true() -> None:
    assert problems(ROOT) == []


def test_it_speaks_of_real_rows_refusals_and_choices() -> None:
    assert {row.state for row in rows_of(TABLE)} == {"emulated", "choice", "refused", "absent"}
    assert len(refusals_in(ROOT)) > 10
    assert len(choices_in(ROOT)) > 20


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ("| f | planned | `checks` | s |", "'planned' is no state"),
        ("| f | emulated | somewhere | s |", "names nothing in backticks"),
        ("| f | emulated | `local/none.py` | s |", "local/none.py does not exist"),
        ("| f | emulated | `local/template.py:nothing` | s |", "local/template.py has no nothing"),
        ("| f | emulated | `local/template.py` | |", "needs where it is and a source"),
        ("| f | choice | `local/template.py` | s |", "local/template.py is no test"),
        ("| f | choice | `tests/contract/test_http.py:refusal` | s |", "is not marked as a choice"),
        ('| f | refused | `local/template.py` "no such words" | s |', "says no 'no such words'"),
        ("| f | refused | `local/template.py:_text` | s |", "refuses nothing in _text"),
        ("| f | refused | `local/template.py` | s |", "says no ''"),
    ],
)
def test_a_row_that_is_not_true_is_told(row: str, problem: str) -> None:
    found = problems_in(f"{TABLE}\n{row}\n", ROOT)
    assert len(found) == 1
    assert problem in found[0]


@pytest.mark.parametrize("state", ["choice", "refused"])
def test_a_row_that_is_missing_is_told(state: str) -> None:
    for row in rows_of(TABLE):
        if row.state != state or "tests/local/" in row.where:
            continue
        lines = TABLE.splitlines()
        del lines[row.line - 1]
        found = problems_in("\n".join(lines), ROOT)
        # Another row may refuse the same thing in other words.
        assert found or state == "refused"
        assert all("has no row for" in problem for problem in found)


@pytest.mark.parametrize("document", PAGES)
def test_without_refused_rows_every_refusal_is_told(document: str) -> None:
    lines = [line for line in (ROOT / document).read_text().splitlines() if "| refused |" not in line]
    found = problems_in("\n".join(lines), ROOT, document)
    assert len(found) == len(refusals_in(ROOT, PAGES[document])) > 5


def test_a_missing_page_is_told(tmp_path: Path) -> None:
    assert problems(tmp_path) == [f"{document} is missing" for document in PAGES]
