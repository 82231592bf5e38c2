"""The dependency audit: what fails, what is told, and what happens without a network."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

from checks import audit
from checks.audit import DEPLOYED, DEVELOPMENT, Finding, NoAnswer, findings, judge, pins
from checks.project import NOTE, ROOT

IN_LAYER = Finding("jmespath", "1.1.0", "PYSEC-1", "1.2.0")
IN_TESTS = Finding("pytest", "9.0.0", "PYSEC-2", "")
DAY = 24 * 3600


class Index:
    """A package index that knows something, and what it was asked."""

    def __init__(self, *known: Finding) -> None:
        self.known = known
        self.asked: list[list[str]] = []

    def __call__(self, requirements: Iterable[str]) -> list[Finding]:
        self.asked.append(list(requirements))
        return [each for each in self.known if f"{each.package}=={each.version}" in self.asked[-1]]


def unreachable(requirements: Iterable[str]) -> list[Finding]:
    raise NoAnswer("no network")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / DEPLOYED).parent.mkdir(parents=True)
    (tmp_path / DEPLOYED).write_text("# generated\njmespath==1.1.0\n")
    (tmp_path / DEVELOPMENT).write_text(
        "jmespath==1.1.0\npytest==9.0.0\ncffi==2.1.1 ; platform_python_implementation != 'PyPy'\n"
    )
    return tmp_path


def test_a_deployed_package_fails_and_another_is_told(project: Path) -> None:
    found = findings(project, Index(IN_LAYER, IN_TESTS), project / "record", 0)
    failing, told = judge(project, found)
    assert failing == ["deployed: jmespath 1.1.0: PYSEC-1 (fixed in 1.2.0)"]
    assert told == ["development: pytest 9.0.0: PYSEC-2 (not fixed yet)"]


def test_an_ignored_advisory_counts_no_more(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(audit.IGNORED, "PYSEC-1", "no way to it; look again on 2027-01-01")
    assert judge(project, [IN_LAYER]) == ([], [])


def test_it_asks_once_a_day_or_when_a_package_changes(project: Path) -> None:
    index, record = Index(IN_TESTS), project / "record"
    assert findings(project, index, record, 100) == [IN_TESTS]
    assert findings(project, index, record, 100 + DAY - 1) == [IN_TESTS]
    assert len(index.asked) == 2  # one to see whether it answers, one for all
    findings(project, index, record, 100 + DAY)
    assert len(index.asked) == 4
    (project / DEVELOPMENT).write_text("pytest==9.0.1\n")
    assert findings(project, index, record, 101 + DAY) == []
    assert len(index.asked) == 6


def test_a_broken_record_is_none(project: Path) -> None:
    (project / "record").write_text("{")
    assert findings(project, Index(), project / "record", 0) == []


def test_without_an_answer_nothing_is_recorded(project: Path) -> None:
    with pytest.raises(NoAnswer):
        findings(project, unreachable, project / "record", 0)
    assert not (project / "record").exists()


def test_a_skipped_audit_is_loud_and_fails_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(audit, "ask_pip_audit", unreachable)
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    assert audit.main() == NOTE
    assert "THE DEPENDENCY AUDIT WAS SKIPPED" in capsys.readouterr().out


def test_an_index_that_cannot_be_reached_is_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """The real program, with every request led to a port where nobody listens."""
    for name in ("HTTPS_PROXY", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with pytest.raises(NoAnswer):
        audit.ask_pip_audit(["jmespath==1.1.0"])


def test_the_runner_shows_a_note_and_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    """The runner's own word for it; whether there is a network decides which one `audit` has."""
    done = subprocess.run(
        [sys.executable, "-m", "checks", "audit"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0 or "deployed: " in done.stdout
    assert done.stdout.split()[0] in {"ok", "note", "FAIL"}


def test_the_projects_files_are_read() -> None:
    assert any(pin.startswith("aws-lambda-powertools==") for pin in pins(ROOT / DEPLOYED))
    assert set(pins(ROOT / DEPLOYED)) <= set(pins(ROOT / DEVELOPMENT))
