"""The command `python -m local explain`."""

from __future__ import annotations

import json
import os
from typing import Any

from rich.console import Console

from local.control_client import ControlClient
from local.deployment import instance_outputs, on_instance
from local.explain import page
from local.explain.facts import Facts, Question
from local.explain.sources import gather
from local.explain.stages import Way
from local.explain.ways import problems, ways
from local.settings import load

UNKNOWN = 1
"""The exit status when nothing is known of the topic."""


def explain(asked: Question, *, as_json: bool) -> int:
    """Print the explanation; the exit status. Raises DeploymentError, ControlError, SettingsError."""
    settings = load(os.environ)
    facts = gather(on_instance(instance_outputs(settings)), settings, asked)
    found = ways(facts)
    if as_json:
        print(json.dumps(_to_json(facts, found), indent=2, ensure_ascii=False, default=str))
    else:
        page.show(Console(highlight=False), facts, found)
    return 0 if found else UNKNOWN


def clients(*, as_json: bool) -> int:
    """Print every connection. Raises DeploymentError, ControlError, SettingsError."""
    settings = load(os.environ)
    instance_outputs(settings)
    found = ControlClient(settings.state).get("/explain/clients")
    if as_json:
        print(json.dumps(found, indent=2, ensure_ascii=False))
    else:
        page.show_clients(Console(highlight=False), found)
    return 0


def _to_json(facts: Facts, found: list[Way]) -> dict[str, Any]:
    publisher = facts.publisher or {}
    mapping = facts.mapping
    return {
        "topic": facts.asked.topic,
        "client": facts.asked.client,
        "headSeq": publisher.get("headSeq"),
        "headAt": publisher.get("headAt"),
        "mutation": publisher.get("mutation"),
        "problems": problems(facts),
        "parked": publisher.get("parked", []),
        "mapping": {"uuid": mapping.uuid, "state": mapping.state, "lastResult": mapping.last_result},
        "lastFailure": facts.invocations["lastFailure"],
        "refusals": facts.plane.get("refusals", []),
        "clients": facts.plane.get("clients"),
        "changes": [way.to_json() for way in found],
    }
