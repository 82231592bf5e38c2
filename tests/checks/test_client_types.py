"""The check of the clients' generated types, where Node.js or its packages are missing."""

from pathlib import Path

import pytest

from checks import client_types


def test_without_its_packages_the_typescript_types_are_skipped_with_the_reason(tmp_path: Path) -> None:
    reason = client_types.why_not(tmp_path)
    assert reason is not None


def test_without_node_the_reason_is_node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "client" / "web" / "node_modules" / "@graphql-codegen" / "core").mkdir(parents=True)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert client_types.why_not(tmp_path) == "there is no Node.js (node)"


def test_a_skip_is_loud_and_no_success(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert client_types.main() == 77
    assert "THE TYPESCRIPT TYPES WERE NOT CHECKED: there is no Node.js (node)." in capsys.readouterr().out
