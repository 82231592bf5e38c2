"""HTTP and EventBridge data sources, and the cache (sheet 4.7, 4.8)."""

from __future__ import annotations

import json
from typing import Any
from uuid import uuid4

import pytest

from tests.contract.api import Api
from tests.contract.facts import fact
from tests.contract.target import Target


def get_item(target: Target) -> dict[str, Any]:
    """A request of DynamoDB's own API, which the data source signs."""
    table = target.outputs["ItemTable"]
    return {
        "method": "POST",
        "resourcePath": "/",
        "params": {
            "headers": {"content-type": "application/x-amz-json-1.0", "x-amz-target": "DynamoDB_20120810.GetItem"},
            "body": {"TableName": table, "Key": {"id": {"S": "none"}}},
        },
    }


@fact("4.7", "DG")
def test_http_answers_status_headers_and_body_as_text(target: Target) -> None:
    found = target.api.value("http", request=get_item(target))
    assert found.get("error") is None, found
    assert found["result"]["statusCode"] == 200
    assert isinstance(found["result"]["headers"], dict)
    assert json.loads(found["result"]["body"]) == {}


@fact("4.7", "DG")
def test_http_takes_another_status_for_a_result(target: Target) -> None:
    request = get_item(target)
    request["params"]["body"]["Key"] = {"no-such-key": {"S": "a"}}
    found = target.api.value("http", request=request)
    assert found.get("error") is None, found
    assert found["result"]["statusCode"] == 400


@fact("4.7", "DG")
def test_eventbridge_answers_an_entry_per_event(api: Api) -> None:
    events = [{"source": "contract", "detailType": "Tested", "detail": {"a": 1}} for _ in range(2)]
    found = api.value("events", request={"operation": "PutEvents", "events": events})
    assert found.get("error") is None, found
    assert found["result"]["FailedEntryCount"] == 0
    assert len({entry["EventId"] for entry in found["result"]["Entries"]}) == 2


@fact("4.7", "DG")
def test_eventbridge_takes_ten_events_at_most(api: Api) -> None:
    events = [{"source": "contract", "detailType": "Tested", "detail": {"a": 1}}] * 11
    request = json.dumps({"operation": "PutEvents", "events": events})
    answer = api.run("query ($r: AWSJSON!) { events(request: $r) }", {"r": request})
    assert "errors" in answer.json or json.loads(answer.json["data"]["events"])["error"]


@pytest.fixture
def cached(target: Target) -> Api:
    """The API with a cache."""
    if target.cached is None:
        pytest.skip("the fixture has no cache on AWS, where it costs by the hour")
    return target.cached


def ask(api: Api, field: str, arguments: str) -> str:
    """A field that has another value each time that its resolver runs."""
    found: str = api.run(f"{{ {field}({arguments}) }}").data[field]
    return found


@fact("4.8", "DG")
def test_a_cached_resolver_does_not_run_again(cached: Api) -> None:
    key = f'id: "{uuid4()}"'
    assert ask(cached, "cached", key) == ask(cached, "cached", key)


@fact("4.8", "DG")
def test_only_the_caching_keys_tell_entries_apart(cached: Api) -> None:
    key = uuid4()
    first = ask(cached, "cached", f'id: "{key}", other: "a"')
    assert ask(cached, "cached", f'id: "{key}", other: "b"') == first
    assert ask(cached, "cached", f'id: "{uuid4()}", other: "a"') != first


@fact("4.8", "DG")
def test_a_resolver_without_a_caching_configuration_runs_each_time(cached: Api) -> None:
    assert ask(cached, "uncached", 'id: "1"') != ask(cached, "uncached", 'id: "1"')


@fact("4.8", "DG")
def test_a_mutation_evicts_an_entry_and_tells_how_many(cached: Api) -> None:
    key = f'id: "{uuid4()}"'
    first = ask(cached, "cached", key)
    answer = cached.run(f"mutation {{ evict({key}) }}")
    assert answer.json["extensions"] == {"apiCacheEntriesDeleted": 1}
    assert ask(cached, "cached", key) != first
