"""The publisher's event source mapping: what it survives, and where it leaves what it gives up."""

from typing import Any

from checks.cloudformation import Resource

HOUR = 3600
STREAM_SECONDS = 24 * HOUR  # how long DynamoDB keeps a record


def properties(written: list[Resource], logical_id: str) -> dict[str, Any]:
    (found,) = (each.properties for each in written if each.logical_id == logical_id)
    return found


def test_an_outage_of_an_hour_gives_up_nothing(written: list[Resource]) -> None:
    """Each attempt lasts nearly as long as the function may run."""
    mapping, function = properties(written, "PublishMapping"), properties(written, "PublishFunction")
    assert mapping["MaximumRetryAttempts"] * (function["Timeout"] - 15) >= 2 * HOUR
    assert mapping["MaximumRecordAgeInSeconds"] >= 12 * HOUR


def test_what_is_given_up_is_whole_and_early_enough(written: list[Resource]) -> None:
    mapping = properties(written, "PublishMapping")
    assert mapping["DestinationConfig"]["OnFailure"]["Destination"] == {"Ref": "FailuresArn"}
    assert mapping["MaximumRecordAgeInSeconds"] <= STREAM_SECONDS - 2 * HOUR
    assert mapping["MaximumRetryAttempts"] <= 100, "a record that crashes the function blocks its shard that long"
    assert mapping["BisectBatchOnFunctionError"] is True


def test_a_lone_change_waits_for_nothing_and_a_burst_is_one_batch(written: list[Resource]) -> None:
    mapping = properties(written, "PublishMapping")
    assert mapping["BatchSize"] == 1000
    assert "MaximumBatchingWindowInSeconds" not in mapping
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]


def test_nothing_that_is_parked_expires(written: list[Resource]) -> None:
    (rule,) = properties(written, "Failures")["LifecycleConfiguration"]["Rules"]
    assert rule["Prefix"] == "discarded/"


def test_every_alarm_watches_something_of_its_own_stack(written: list[Resource]) -> None:
    alarms = [each for each in written if each.type == "AWS::CloudWatch::Alarm" and each.template == "stacks/api.yaml"]
    assert {each.logical_id for each in alarms} >= {"ParkedAlarm", "LateAlarm", "GivenUpAlarm"}
    own = {each.logical_id for each in written if each.template == "stacks/api.yaml"}
    for alarm in alarms:
        (dimension,) = alarm.properties["Dimensions"]
        (watched,) = dimension["Value"].values()
        assert str(watched if isinstance(watched, str) else watched[0]).partition(".")[0] in own, alarm
