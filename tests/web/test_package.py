"""The TypeScript client as a package: it type-checks, its unit tests pass, it is small, and its lock file is clean."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from tests.web.conftest import SOURCES, npm


def _assert_ok(done: subprocess.CompletedProcess[str]) -> None:
    assert done.returncode == 0, (done.stdout + done.stderr)[-8000:]


def test_sources_and_tests_type_check(package: Path) -> None:
    _assert_ok(npm(package, "check"))


def test_unit_tests_pass(package: Path) -> None:
    _assert_ok(npm(package, "test"))


def test_it_is_under_15_kb_gzipped(package: Path) -> None:
    _assert_ok(npm(package, "size"))


def test_every_export_is_built_with_its_types(package: Path) -> None:
    exports = json.loads((package / "package.json").read_text())["exports"]
    missing = [target for targets in exports.values() for target in targets.values() if not (package / target).exists()]
    assert missing == []


def test_the_lock_file_names_no_download_address() -> None:
    lock = json.loads((SOURCES / "package-lock.json").read_text())
    assert [name for name, entry in lock["packages"].items() if "resolved" in entry] == []
