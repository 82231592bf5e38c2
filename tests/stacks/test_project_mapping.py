"""The index's event source mapping, the second consumer of the stream: what wakes it, and what becomes of failures."""

import json
from typing import Any

from checks.cloudformation import Resource
from domain.shop import order, product

HOUR = 3600
STREAM_SECONDS = 24 * HOUR


def properties(written: list[Resource], logical_id: str) -> dict[str, Any]:
    (found,) = (each.properties for each in written if each.logical_id == logical_id)
    return found


def test_the_stream_has_two_consumers_with_functions_of_their_own(written: list[Resource]) -> None:
    mappings = {
        each.logical_id: each.properties["FunctionName"]
        for each in written
        if each.type == "AWS::Lambda::EventSourceMapping"
        and "MainTableStreamArn" in str(each.properties["EventSourceArn"])
    }
    assert mappings == {"PublishMapping": {"Ref": "PublishFunction"}, "ProjectMapping": {"Ref": "ProjectFunction"}}


def test_only_products_and_new_orders_wake_it(written: list[Resource]) -> None:
    filters = properties(written, "ProjectMapping")["FilterCriteria"]["Filters"]
    patterns = [json.loads(each["Pattern"]) for each in filters]
    assert patterns == [
        {"dynamodb": {"Keys": {"pk": {"S": [{"prefix": product.PREFIX}]}}}},
        {"eventName": ["INSERT"], "dynamodb": {"Keys": {"pk": {"S": [{"prefix": order.PREFIX}]}}}},
    ]


def test_an_outage_of_two_hours_gives_up_nothing_and_what_is_given_up_is_kept(written: list[Resource]) -> None:
    mapping, function = properties(written, "ProjectMapping"), properties(written, "ProjectFunction")
    assert mapping["MaximumRetryAttempts"] * (function["Timeout"] - 15) >= 2 * HOUR
    assert mapping["MaximumRecordAgeInSeconds"] <= STREAM_SECONDS - 2 * HOUR
    assert mapping["BisectBatchOnFunctionError"] is True
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert mapping["DestinationConfig"]["OnFailure"]["Destination"] == {"Ref": "FailuresArn"}
