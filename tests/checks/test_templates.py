"""The check of templates looks again at whatever has changed, and at all that failed."""

from __future__ import annotations

from pathlib import Path

import pytest

from checks import templates
from checks.templates import problems


class Judge:
    """Says what is wrong, and notes what it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.wrong: dict[str, list[str]] = {}

    def __call__(self, template: Path, root: Path) -> list[str]:
        del root
        self.asked.append(template.name)
        return self.wrong.get(template.name, [])

    def asked_since(self) -> set[str]:
        asked, self.asked = set(self.asked), []
        return asked


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "stacks").mkdir()
    for name in ("template.yaml", "stacks/chat.yaml", "stacks/data.yaml"):
        (tmp_path / name).write_text(f"Description: {name}\n")
    return tmp_path


def test_only_what_has_changed_is_looked_at_and_the_root_with_all_that_it_nests(project: Path) -> None:
    judge, record = Judge(), project / "record.json"
    assert problems(project, record, judge) == []
    assert judge.asked_since() == {"template.yaml", "chat.yaml", "data.yaml"}
    assert problems(project, record, judge) == []
    assert judge.asked_since() == set()
    (project / "stacks" / "chat.yaml").write_text("Description: other\n")
    assert problems(project, record, judge) == []
    assert judge.asked_since() == {"template.yaml", "chat.yaml"}


def test_what_fails_is_looked_at_each_time(project: Path) -> None:
    judge, record = Judge(), project / "record.json"
    judge.wrong = {"data.yaml": ["E3001"]}
    for asked in ({"template.yaml", "chat.yaml", "data.yaml"}, {"data.yaml"}, {"data.yaml"}):
        assert problems(project, record, judge) == ["E3001"]
        assert judge.asked_since() == asked
    judge.wrong = {}
    assert problems(project, record, judge) == []
    assert problems(project, record, judge) == []
    assert judge.asked_since() == {"data.yaml"}


def test_another_version_of_what_looks_looks_again(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    judge, record = Judge(), project / "record.json"
    assert problems(project, record, judge) == []
    judge.asked_since()
    monkeypatch.setattr(templates, "version", lambda _: "999")
    assert problems(project, record, judge) == []
    assert len(judge.asked_since()) == 3


@pytest.mark.parametrize("text", ["", "{", "{}", "1", "null", "[1, 2]"])
def test_a_record_that_is_none_is_begun_anew(project: Path, text: str) -> None:
    judge, record = Judge(), project / "record.json"
    record.write_text(text)
    assert problems(project, record, judge) == []
    assert len(judge.asked_since()) == 3
