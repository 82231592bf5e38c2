"""From AppSync's event to the envelope, and nothing of a defect in it."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from domain import fields
from domain.caller import ANONYMOUS, Caller
from domain.errors import InvalidInput
from domain.table import Throttled


def event(field: str, **arguments: Any) -> dict[str, Any]:
    return {
        "arguments": arguments,
        "identity": None,
        "source": None,
        "info": {"parentTypeName": "Query", "fieldName": field},
    }


def echo(caller: Caller, **arguments: Any) -> Any:
    return [caller, arguments]


def refuse(caller: Caller) -> Any:
    del caller
    raise InvalidInput("input.text", "must not be empty.")


def fail(caller: Caller) -> Any:
    del caller
    raise KeyError("a secret")


def throttle(caller: Caller) -> Any:
    del caller
    raise Throttled("slow")


FIELDS = {"Query.echo": echo, "Query.refuse": refuse, "Query.fail": fail, "Query.throttle": throttle}
LOG = logging.getLogger("test")


def test_arguments_become_keywords_and_inputs_stay_as_they_are() -> None:
    answer = fields.answer(event("echo", roomId="lobby", input={"roomId": "x"}), FIELDS, LOG)
    assert answer == {"data": [ANONYMOUS, {"room_id": "lobby", "input": {"roomId": "x"}}]}


def test_a_domain_error_is_told() -> None:
    assert fields.answer(event("refuse"), FIELDS, LOG) == {
        "error": {
            "type": "InvalidInput", "message": "input.text must not be empty.", "data": None,
            "info": {"field": "input.text"},
        }
    }  # fmt: skip


@pytest.mark.parametrize(
    "broken", [event("fail"), event("unknown"), event("echo") | {"identity": {"resolverContext": {}}}]
)
def test_a_defect_is_logged_and_not_told(broken: dict[str, Any], caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        answer = fields.answer(broken, FIELDS, LOG)
    assert answer["error"]["type"] == "Internal"
    assert "secret" not in str(answer)
    assert caplog.records[0].exc_info


def test_a_table_that_does_not_answer_is_a_reason_to_try_again(caplog: pytest.LogCaptureFixture) -> None:
    assert fields.answer(event("throttle"), FIELDS, LOG)["error"]["type"] == "TryAgain"
    assert caplog.records[0].exc_info


def test_objects_that_are_answered_together_fail_one_by_one() -> None:
    with ThreadPoolExecutor(2) as pool:
        answers = fields.answer_each(
            [event("refuse"), event("echo", limit=1), event("throttle")], FIELDS, LOG, threads=pool.map
        )
    assert answers[1] == {"data": [ANONYMOUS, {"limit": 1}]}
    assert [answers[index]["error"]["type"] for index in (0, 2)] == ["InvalidInput", "TryAgain"]


def test_each_object_s_caller_passes_the_gates() -> None:
    def gate(caller: Caller, coordinate: str) -> None:
        del caller
        if coordinate == "Query.echo":
            raise InvalidInput("gate", "is closed.")

    answers = fields.answer_each([event("echo"), event("fail")], FIELDS, LOG, gate)
    assert [each["error"]["type"] for each in answers] == ["InvalidInput", "Internal"]
