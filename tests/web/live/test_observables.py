"""`feed$`, `items$` and `states$` of the RxJS entry: next, error, complete, and what unsubscribing does."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.stack.instance import Instance
from tests.web.live.conftest import new_room

pytestmark = [pytest.mark.stack, pytest.mark.clients]


def test_observables(library: Path, node: str, instance: Instance) -> None:
    outputs = instance.outputs
    done = subprocess.run(
        [node, "programs/observables.js", outputs["graphql"], outputs["apiKey"], new_room()],
        cwd=library, capture_output=True, text=True, timeout=90, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["changes"] == ["one", "two", "three"]  # not what came after `unsubscribe`
    assert told["shown"] == ["one", "two", "three", "four"]
    assert told["counted"] == 4
    assert told["states"][0] == "connecting"
    assert told["states"][-1] in {"catching-up", "live"}
    # Nothing is told of a subscription that was given up; the others end as their feeds did.
    assert told["ends"] == [["refused", "Unauthorized"], ["closed", "complete"]]
