"""The example of docs/shop.md in TypeScript: it holds against the library's types, and runs in Node."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.stack.instance import Instance
from tests.stack.shop_example import shop_example

pytestmark = [pytest.mark.stack, pytest.mark.clients]

SECONDS = 60


def test_a_book_is_found_and_bought(library: Path, node: str, instance: Instance, tmp_path: Path) -> None:
    example = shop_example(instance, "ts")
    tools = library / "node_modules"
    (tmp_path / "shop.mts").write_text(example.text)
    (tmp_path / ".headwater").symlink_to(instance.state)
    (tmp_path / "node_modules").mkdir()
    (tmp_path / "node_modules" / "headwater").symlink_to(library)
    options = {
        "target": "es2022", "module": "nodenext", "strict": True, "noEmit": True, "skipLibCheck": True,
        "lib": ["es2022", "dom", "dom.iterable"], "typeRoots": [str(tools / "@types")], "types": ["node"],
    }  # fmt: skip
    (tmp_path / "tsconfig.json").write_text(json.dumps({"compilerOptions": options, "files": ["shop.mts"]}))
    environment = os.environ | {"TOKEN": example.token}
    for command in (
        [str(tools / ".bin" / "tsc"), "--project", "."],
        [str(tools / ".bin" / "esbuild"), "shop.mts", "--format=esm", "--outfile=shop.mjs", "--log-level=error"],
        [node, "shop.mjs"],
    ):
        ran = subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=SECONDS, check=False
        )
        assert ran.returncode == 0, ran.stdout + ran.stderr
    example.check(ran.stdout)
