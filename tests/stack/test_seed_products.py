"""The command `python -m local seed FILE.csv` on a running instance."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import uuid
from pathlib import Path

import pytest

from tests.stack.instance import PROJECT, Instance

pytestmark = pytest.mark.stack

PRODUCT = "query ($id: ID!) { product(id: $id) { title price currency category path stock derived version } }"


def seed(instance: Instance, file: Path) -> tuple[int, str]:
    """The exit status, and what the command says with blanks joined."""
    environment = {**os.environ, "HEADWATER_STATE": str(instance.state), "COLUMNS": "200"}
    command = [sys.executable, "-m", "local", "seed", str(file)]
    done = subprocess.run(
        command, cwd=PROJECT, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    return done.returncode, re.sub(r"\s+", " ", done.stdout + done.stderr)


def test_a_list_is_loaded_once_however_often(instance: Instance, tmp_path: Path) -> None:
    mark = uuid.uuid4().hex[:8]
    file = tmp_path / f"{mark}.csv"
    lines = [f'{mark}-{number},"Book {number}",{number}.50' for number in range(60)]
    file.write_text("\n".join(["id,title,price", *lines, f"{mark}-x,Cheap,-1", f"{mark}-y,{'y' * 300},1"]) + "\n")
    status, said = seed(instance, file)
    assert status == 3, said
    for row in ("new │ 60", "refused │ 2", "stock: made up, the file has none │ 61"):
        assert row in said
    rejected = (instance.state / "seed" / f"{mark}.rejected.csv").read_text().splitlines()
    assert [line.split(",")[:2] for line in rejected[1:]] == [["62", f"{mark}-x"], ["63", f"{mark}-y"]]
    shown = instance.graphql(PRODUCT, id=f"{mark}-7")["data"]["product"]
    assert (shown["title"], shown["price"], shown["currency"], shown["version"]) == ("Book 7", 750, "EUR", 1)
    assert shown["path"] == ["book", shown["category"]]
    assert shown["derived"] == ["category", "description", "stock"]

    status, said = seed(instance, file)
    assert status == 3, said
    assert "new │ 0" in said
    assert "there already, the same │ 60" in said
    assert instance.graphql(PRODUCT, id=f"{mark}-7")["data"]["product"] == shown


def test_a_file_that_is_no_list_is_refused_whole(instance: Instance, tmp_path: Path) -> None:
    file = tmp_path / "broken.csv"
    file.write_bytes(b"id,title\nq-1,fine\nq-2,\xe9\n")
    status, said = seed(instance, file)
    assert status == 1
    assert "line 3 is not UTF-8 (byte 0xe9): save it as UTF-8. Nothing was loaded" in said
    assert instance.graphql(PRODUCT, id="q-1")["data"]["product"] is None
