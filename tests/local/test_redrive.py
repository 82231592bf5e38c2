"""The redrive command's sums over pages, against a function that answers as the publisher does."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
import typer

from local.deployment import DeploymentError
from local.redrive import Redrive, app, list_parked


class Function:
    """Answers in turn, and remembers what it was asked. Stands where a deployment does."""

    stack = "headwater"

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.asked: list[Mapping[str, Any]] = []

    def output(self, name: str) -> str:
        assert name == "PublishFunctionName"
        return "publish"

    def invoke(self, function: str, event: Mapping[str, Any]) -> Any:
        assert function == "publish"
        self.asked.append(json.loads(json.dumps(event)))
        return self.answers.pop(0)


def redrive(*answers: Any) -> tuple[Redrive, Function]:
    function = Function(*answers)
    return Redrive(function), function


def replayed(count: int, token: str | None, **more: Any) -> dict[str, Any]:
    counts = {"replayed": count, "takenIn": 1, "superseded": 0, "discarded": 0}
    return counts | {"lifted": [], "blocked": [], "nextToken": token} | more


def test_all_pages_are_listed() -> None:
    command, function = redrive(
        {"items": [{"id": "a"}], "nextToken": "t", "leftovers": 3},
        {"items": [{"id": "b"}], "nextToken": None, "leftovers": 3},
    )
    assert command.parked() == ([{"id": "a"}, {"id": "b"}], 3)
    assert [each["nextToken"] for each in function.asked] == [None, "t"]


def test_a_replay_goes_on_until_there_is_no_token_and_adds_up() -> None:
    blocked = {"id": "b", "eventId": "e"}
    command, function = redrive(
        replayed(2, "t", lifted=["a"], blocked=[blocked, {"id": "c", "eventId": "f"}]),
        replayed(3, None, lifted=["c"], blocked=[blocked]),
    )
    *_, total = command.replay(["a", "b", "c"])
    assert (total["replayed"], total["takenIn"], total["lifted"]) == (5, 2, ["a", "c"])
    assert total["blocked"] == [blocked]  # once, and not what a later page lifted
    assert [each["ids"] for each in function.asked] == [["a", "b", "c"]] * 2


def test_everything_is_replayed_without_ids() -> None:
    command, function = redrive(replayed(0, None))
    list(command.replay(None))
    assert function.asked == [{"operation": "parked.replay", "ids": None, "nextToken": None}]


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ({"error": {"type": "NotParked", "message": "no such id"}}, "NotParked: no such id"),
        (None, "publish answered None to parked.show: is it Headwater's publisher?"),
    ],
)
def test_what_the_publisher_refuses_is_an_error(answer: Any, message: str) -> None:
    command, _ = redrive(answer)
    with pytest.raises(DeploymentError) as refused:
        command.front("x")
    assert str(refused.value) == message


def test_long_keys_and_reasons_are_whole_lines_and_cannot_command_a_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    parked = {
        "id": "a" * 30, "key": {"pk": f"MESSAGES#{'r' * 100}#2026112109#0", "sk": "1#\x1b[2J"}, "topics": ["room:r"],
        "parkedAt": "2026-11-21T09:25:23.839Z", "records": 2,
        "reason": {"type": "WrongType", "message": f"text must be a text, not [bold]{'x' * 100}"},
    }  # fmt: skip
    command, _ = redrive({"items": [parked], "nextToken": None, "leftovers": 0})
    monkeypatch.setenv("COLUMNS", "80")
    context = typer.Context(typer.main.get_command(app))
    context.obj = command
    list_parked(context, as_json=False)
    printed = capsys.readouterr().out
    assert f"  item     MESSAGES#{'r' * 100}#2026112109#0 1#\\x1b[2J\n" in printed
    assert f"  reason   WrongType: text must be a text, not [bold]{'x' * 100}\n" in printed
