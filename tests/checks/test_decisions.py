"""Decision records have the form that their index promises."""

import re
from pathlib import Path

import pytest

from checks.project import ROOT

FOLDER = ROOT / "docs/decisions"
RECORDS = sorted(path for path in FOLDER.glob("*.md") if path.name != "README.md")


def test_the_index_has_every_record_and_nothing_else() -> None:
    linked = set(re.findall(r"\]\(([\w-]+\.md)\)", (FOLDER / "README.md").read_text()))
    assert linked == {path.name for path in RECORDS}


@pytest.mark.parametrize("record", RECORDS, ids=lambda path: path.stem)
def test_a_record_says_what_why_and_measured_on_a_page(record: Path) -> None:
    text = record.read_text()
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == ["What", "Why", "Measured"]
    assert len(text.split()) < 750, "longer than a page"
