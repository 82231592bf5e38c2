"""`docs/systems.md` holds every system and names only what exists; and the check can tell."""

from pathlib import Path

import pytest

from checks.project import ROOT
from checks.systems import DOCUMENT, IDS, problems, problems_in


def table(**where: str) -> str:
    """A complete table in which every row is `later`, but for the given ones."""
    return "\n".join(f"| {each} | a system | its form | {where.get(each, 'later: jobs')} |" for each in IDS)


def test_the_projects_own_table_is_complete_and_true() -> None:
    assert problems(ROOT) == []


def test_all_58_systems_have_their_row() -> None:
    assert len(IDS) == 58
    assert problems_in(table(), ROOT) == []


@pytest.mark.parametrize(
    "where",
    [
        "`checks/systems.py`",
        "`checks/systems.py:problems_in`, `checks/__main__.py:Outcome.name`",
        "`checks`",
        "later: issue 4",
        "later: telemetry",
        "replaced by on-demand capacity because it needs no policy",
        "`Makefile:check`; the rest later: issue 5",
    ],
)
def test_a_row_may_name_what_exists_or_say_when_or_why_not(where: str) -> None:
    assert problems_in(table(B3=where), ROOT) == []


@pytest.mark.parametrize(
    ("where", "problem"),
    [
        ("`checks/gone.py`", "checks/gone.py does not exist"),
        ("`checks/systems.py:gone`", "checks/systems.py has no gone"),
        ("`checks/__main__.py:Outcome.gone`", "checks/__main__.py has no Outcome.gone"),
        ("`Makefile:gone`", "Makefile has no gone"),
        ("`checks:gone`", "checks is a folder and has no symbol gone"),
        ("soon", "names no file"),
        ("", "needs a system, its form here, and where it is"),
        ("replaced by something", "names no file"),
    ],
)
def test_a_row_that_names_nothing_real_is_a_problem(where: str, problem: str) -> None:
    (found,) = problems_in(table(B3=where), ROOT)
    assert problem in found
    assert found.startswith(f"{DOCUMENT}:13: B3")


def test_a_missing_a_doubled_and_a_misplaced_row_are_problems(tmp_path: Path) -> None:
    rows = table().splitlines()
    for changed in (rows[1:], [*rows, rows[0]], [rows[1], rows[0], *rows[2:]]):
        (found,) = problems_in("\n".join(changed), tmp_path)
        assert "in this order" in found
