"""`python -m local explain` and `redrive` as a user runs them, and messages that someone wrote past the API."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from typing import Any

from tests.stack.instance import PROJECT, Instance


def command(instance: Instance, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command against an instance."""
    return subprocess.run(
        [sys.executable, "-m", "local", *arguments],
        cwd=PROJECT,
        env={**os.environ, **instance.environment, "COLUMNS": "160"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def explained(instance: Instance, topic: str, client: str | None = None, limit: int = 1) -> dict[str, Any]:
    """The whole explanation."""
    about = [] if client is None else ["--client", client]
    result = command(instance, "explain", topic, "--json", "--limit", str(limit), *about)
    assert result.returncode == 0, result.stdout + result.stderr
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def explained_until(
    instance: Instance,
    topic: str,
    condition: Callable[[dict[str, Any]], bool],
    client: str | None = None,
    seconds: float = 30,
) -> dict[str, Any]:
    """The explanation of the topic's last change, once it is as expected."""
    deadline = time.monotonic() + seconds
    while True:
        result = command(
            instance, "explain", topic, "--json", "--limit", "1", *([] if client is None else ["--client", client])
        )
        assert result.returncode in (0, 1), result.stderr
        found = json.loads(result.stdout)
        if found["changes"] and condition(found["changes"][0]):
            change: dict[str, Any] = found["changes"][0]
            return change
        assert time.monotonic() < deadline, json.dumps(found, indent=1)


def ended_at(stage: str) -> Callable[[dict[str, Any]], bool]:
    """Whether a change ended, or waits, at a stage."""
    return lambda change: change["ended"] is not None and change["ended"]["stage"] == stage


def delivered(change: dict[str, Any]) -> bool:
    """Whether nothing ended it."""
    return change["ended"] is None and change["stages"][-1]["name"] == "delivery"


def stage(change: dict[str, Any], name: str) -> dict[str, Any]:
    """One stage of a change."""
    found: dict[str, Any] = next(each for each in change["stages"] if each["name"] == name)
    return found


def put_message(instance: Instance, room: str, text: Any, **attributes: Any) -> dict[str, Any]:
    """Write a message into the table, past the API; `text` is in DynamoDB's JSON. Returns the item's key."""
    now_ms = int(time.time() * 1000)
    hour = time.strftime("%Y%m%d%H", time.gmtime(now_ms / 1000))
    key = {"pk": {"S": f"MESSAGES#{room}#{hour}#0"}, "sk": {"S": f"{now_ms:013d}#{uuid.uuid4().hex}"}}
    put(instance, key, text=text, author={"S": "an import"}, **attributes)
    return key


def put(instance: Instance, key: dict[str, Any], **attributes: Any) -> None:
    """Write an item whole."""
    instance.client("dynamodb").put_item(TableName=main_table(instance), Item={**key, **attributes})


def main_table(instance: Instance) -> str:
    """The main table's name."""
    return next(name for logical, name in instance.resources("AWS::DynamoDB::Table").items() if logical == "MainTable")


def publisher(instance: Instance) -> str:
    """The publisher's function name."""
    return next(name for logical, name in instance.resources("AWS::Lambda::Function").items() if "Publish" in logical)
