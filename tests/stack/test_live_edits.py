"""Edits while an instance runs: they count without a restart, and a broken one stops nothing."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.stack.instance import PROJECT, Instance, eventually
from tests.stack.test_live_chat import raw_subscriber

pytestmark = pytest.mark.stack

QUERY = re.compile(r"^type Query .*\{$", re.MULTILINE)
DEPLOYED = ("template.yaml", "schema.graphql", "stacks", "resolvers", "streams", "backend", "layers")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project")
    for name in DEPLOYED:
        source = PROJECT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, folder / name)
    return folder


@pytest.fixture(scope="module")
def edited(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    state = tmp_path_factory.mktemp("edited") / "state"
    instance = Instance(state, arguments=("--template", str(project / "template.yaml")))
    instance.start()
    yield instance
    if instance.process and instance.process.poll() is None:
        instance.stop()


def replace(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


def answer(instance: Instance, query: str) -> Any:
    return instance.graphql(query)


async def test_an_edited_function_answers_at_the_next_call(edited: Instance, project: Path) -> None:
    message = 'mutation { sendMessage(input: {roomId: "edits", text: "hello"}) { author } }'
    assert answer(edited, message) == {"data": {"sendMessage": {"author": "anonymous"}}}
    replace(project / "backend" / "domain" / "caller.py", '"anonymous"', '"nobody"')
    eventually(lambda: answer(edited, message) == {"data": {"sendMessage": {"author": "nobody"}}})


async def test_an_edited_schema_is_deployed_and_subscribers_stay_connected(edited: Instance, project: Path) -> None:
    async with raw_subscriber(edited, "stays") as subscriber:
        assert "errors" in answer(edited, "{ motto }")
        schema = (project / "schema.graphql").read_text()
        [query] = QUERY.findall(schema)
        replace(project / "schema.graphql", query, f'{query}\n  "A motto."\n  motto: String')
        eventually(lambda: answer(edited, "{ motto }") == {"data": {"motto": None}}, seconds=60)
        sent = edited.send("stays", "after the deployment")
        assert [change["key"] for change in await subscriber.changes(1)] == [sent["id"]]


async def test_a_broken_edit_is_told_and_what_was_served_goes_on(edited: Instance, project: Path) -> None:
    resolver = project / "resolvers" / "appsync" / "Query.room.js"
    good = resolver.read_text()
    resolver.write_text(good + "\nfor (;;) {}\n")
    eventually(lambda: "Query.room" in edited.log.read_text().split("✗", 1)[-1], seconds=60)
    assert "errors" not in answer(edited, '{ room(id: "edits") { id } }')
    resolver.write_text(good)
    edited.send("edits", "still here")
