"""The pinned requirement files: what makes one not current, without a network."""

import tomllib
from pathlib import Path

import pytest

from checks.generate import LOCKS, Lock, fingerprint, problems, problems_of
from checks.project import ROOT

PYPROJECT = tomllib.loads("""
[project]
requires-python = ">=3.11"
dependencies = ["gql>=4,<5"]
[dependency-groups]
functions = ["powertools[tracer]>=3.37,<4"]
[tool.headwater]
override-dependencies = ["gql>=4.4,<4.5"]
""")
LOCK = Lock(path="requirements.txt", purpose="A test's.", groups=("functions",), project=True)


def check(folder: Path, pins: str, pyproject: dict[str, object] = PYPROJECT) -> list[str]:
    header = f"# inputs: sha256 {fingerprint(LOCK, PYPROJECT)}\n"
    (folder / LOCK.path).write_text(header + pins)
    return problems_of(LOCK, folder, pyproject)


def test_the_projects_own_files_are_current() -> None:
    assert problems(ROOT) == []


def test_they_name_no_place_that_packages_come_from() -> None:
    for lock in LOCKS:
        text = (ROOT / lock.path).read_text()
        assert "://" not in text
        assert not any(line.startswith("-") for line in text.splitlines())


def test_pins_within_the_ranges_are_current(tmp_path: Path) -> None:
    assert check(tmp_path, "gql==4.4.2\npowertools==3.40.0\nwrapt==2.0.0 ; python_version < '3.13'\n") == []


@pytest.mark.parametrize(
    ("pins", "problem"),
    [
        ("gql==4.4.2\n", "does not pin powertools"),
        ("gql==4.4.2\npowertools==4.0.0\n", "pins powertools 4.0.0, pyproject.toml wants"),
        ("gql==4.9.0\npowertools==3.40.0\n", "pins gql 4.9.0, pyproject.toml wants"),
        ("gql==4.4.2\npowertools>=3.40.0\n", "requirements.txt:3: not pinned to one version"),
        ("gql==4.4.2\npowertools==3.40.0\n--index-url x\n", "requirements.txt:4: not a package with its version"),
        ("gql==4.4.2\npowertools @ https://example.org/p.whl\n", "requirements.txt:3: not pinned to one version"),
    ],
)
def test_each_bad_pin_is_named(tmp_path: Path, pins: str, problem: str) -> None:
    assert any(problem in each for each in check(tmp_path, pins))


def test_a_change_of_the_inputs_is_noticed(tmp_path: Path) -> None:
    changed = {**PYPROJECT, "dependency-groups": {"functions": ["powertools[tracer]>=3.38,<4"]}}
    (problem,) = check(tmp_path, "gql==4.4.2\npowertools==3.40.0\n", changed)
    assert "is not made from the present pyproject.toml" in problem


def test_a_missing_file_is_a_problem(tmp_path: Path) -> None:
    (problem,) = problems_of(LOCK, tmp_path, PYPROJECT)
    assert problem.startswith("requirements.txt is missing")


def test_a_package_with_a_version_for_each_interpreter_is_current(tmp_path: Path) -> None:
    given = PYPROJECT["dependency-groups"] | {
        "functions": ["fuzz<2; python_version < '3'", "fuzz>=2,<3; python_version >= '3'"]
    }
    pyproject = PYPROJECT | {"dependency-groups": given}
    header = f"# inputs: sha256 {fingerprint(LOCK, pyproject)}\ngql==4.4.0\n"
    pins = "fuzz==1.5 ; python_version < '3'\nfuzz=={} ; python_version >= '3'\n"
    (tmp_path / LOCK.path).write_text(header + pins.format("2.1"))
    assert problems_of(LOCK, tmp_path, pyproject) == []
    (tmp_path / LOCK.path).write_text(header + pins.format("3.1"))
    assert len(problems_of(LOCK, tmp_path, pyproject)) == 1
