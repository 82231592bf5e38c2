"""The index command's questions to the deployed function, which answers here as `streams/project` does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from local.deployment import DeploymentError
from local.index import AT_ONCE, behind, product_ids, project

ITEMS = {
    "main": [["PRODUCT#a", "PRODUCT#b-1"], ["PRODUCT#", "PRODUCT#b-1", "PRODUCT#not#one", "PRODUCT#" + "x" * 65]],
    "search": [["DERIVED#a", "DERIVED#gone"]],
}


class Deployed:
    """Two tables and a function. Stands where a deployment does."""

    def __init__(self, answer: Any = None) -> None:
        self.asked: list[Mapping[str, Any]] = []
        self._answer = answer

    def output(self, name: str) -> str:
        return {"MainTableName": "main", "SearchName": "search", "ProjectFunctionName": "project"}[name]

    def call(self, service: str, operation: str, **arguments: Any) -> Any:
        assert (service, operation) == ("dynamodb", "scan")
        pages = ITEMS[arguments["TableName"]]
        number = arguments.get("ExclusiveStartKey", 0)
        more = {"LastEvaluatedKey": number + 1} if number + 1 < len(pages) else {}
        return {"Items": [{"pk": {"S": pk}} for pk in pages[number]], **more}

    def invoke(self, function: str, event: Mapping[str, Any]) -> Any:
        assert function == "project"
        self.asked.append(event)
        if self._answer:
            return self._answer
        if event["operation"] == "project.check":
            return {"checked": len(event["productIds"]), "behind": event["productIds"][:1]}
        counts = {"projected": len(event["productIds"]) - 1, "unchanged": 0, "removed": 1, "unprojectable": 0}
        return {**counts, "failed": event["productIds"][-1:]}


def test_all_products_are_those_of_the_table_and_those_that_only_the_index_has() -> None:
    assert product_ids(Deployed()) == ["a", "b-1", "gone"]


def test_many_are_asked_for_in_parts() -> None:
    ids, deployed = [f"p{number}" for number in range(AT_ONCE + 3)], Deployed()
    assert behind(deployed, ids) == ["p0", f"p{AT_ONCE}"]
    assert [each for event in deployed.asked for each in event["productIds"]] == ids
    counts, failed = project(deployed, ids, anew=True)
    assert counts == {"projected": AT_ONCE + 1, "unchanged": 0, "removed": 2, "unprojectable": 0}
    assert failed == [f"p{AT_ONCE - 1}", f"p{AT_ONCE + 2}"]
    assert deployed.asked[-1]["anew"] is True


def test_what_the_function_refuses_is_told() -> None:
    with pytest.raises(DeploymentError, match="TryAgain"):
        behind(Deployed({"error": {"type": "TryAgain", "message": "later"}}), ["a"])
