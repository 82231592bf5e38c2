"""The example of docs/shop.md in Python, run as a reader would who has an instance. TypeScript's: tests/web/live."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.stack.instance import PROJECT, Instance
from tests.stack.shop_example import shop_example

pytestmark = pytest.mark.stack


def test_a_book_is_found_and_bought(instance: Instance) -> None:
    example = shop_example(instance, "python")
    environment = os.environ | {"HEADWATER_STATE": str(instance.state), "TOKEN": example.token}
    ran = subprocess.run(
        [sys.executable, "-c", example.text],
        cwd=PROJECT, env=environment, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stdout + ran.stderr
    example.check(ran.stdout)
