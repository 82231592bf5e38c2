"""The projecting function as Lambda calls it, with records as DynamoDB Streams delivers them."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import boto3
import pytest

from domain.settings import settings
from domain.shop import order
from domain.table import Item, Put, Table
from tests.backend.domain.shop.streamed import book, expected, own_items, record, scan
from tests.conftest import CREDENTIALS
from tests.deployed import Context, deployed
from tests.stack.instance import eventually


@pytest.fixture
def bus(aws_endpoint: str) -> Iterator[tuple[str, Callable[[], list[Any]]]]:
    """A bus whose events go into a queue, and what is in that."""
    clients = [
        boto3.client(service, endpoint_url=aws_endpoint, **CREDENTIALS)  # type: ignore[call-overload]
        for service in ("events", "sqs")
    ]
    events, sqs = clients
    name = f"bus-{uuid.uuid4()}"
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    events.create_event_bus(Name=name)
    events.put_rule(Name=name, EventBusName=name, EventPattern=json.dumps({"source": ["headwater.shop"]}))
    events.put_targets(Rule=name, EventBusName=name, Targets=[{"Id": "queue", "Arn": arn}])
    found: list[Any] = []

    def told() -> list[Any]:
        messages = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
        found.extend(json.loads(message["Body"]) for message in messages)
        return found

    yield name, told
    for client in clients:
        client.close()


@pytest.fixture
def function(
    main_table: Table, search_table: Table, bus: tuple[str, Any], aws_endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[ModuleType]:
    """The handler's module in the environment that its template gives it."""
    environment = {"MAIN_TABLE": main_table.name, "SEARCH_TABLE": search_table.name, "EVENT_BUS": bus[0]}
    with deployed("streams/project", aws_endpoint, monkeypatch, environment) as module:
        yield module


def placed(order_id: str = "01KAJ0000000000000000000AA") -> Item:
    lines = [{"productId": "p1", "title": "Rocannon's World", "quantity": 2, "price": 999}]
    shown: Any = order.placed(order_id, lines, 1_795_262_400_000)  # type: ignore[arg-type]
    return order.to_item("user-1", shown, "Root=1-abc")


def test_a_batch_is_projected_and_counted(
    function: ModuleType, main_table: Table, search_table: Table, capsys: pytest.CaptureFixture[str]
) -> None:
    items = [book("p1"), book("p2")]
    main_table.write([Put(item) for item in items])
    sold = record(items[0], items[0] | {"stock": 1}, created=int(time.time()) - 5)
    event = {"Records": [*(record(None, item, created=int(time.time())) for item in items), sold]}
    assert function.handler(event, Context("project")) == {"batchItemFailures": []}
    assert own_items(scan(search_table)) == expected(items)
    metrics = next(json.loads(line) for line in capsys.readouterr().out.splitlines() if '"_aws"' in line)
    assert (metrics["Projected"], metrics["Unchanged"]) == ([2.0], [1.0])
    assert 5000 <= metrics["IndexLag"][0] < 60_000
    (described,) = metrics["_aws"]["CloudWatchMetrics"]
    assert {"Name": "IndexLag", "Unit": "Milliseconds"} in described["Metrics"]


def test_the_lowest_record_that_failed_is_reported(
    function: ModuleType, main_table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEARCH_TABLE", "nobody")
    settings.cache_clear()
    first, second = record(None, placed()), record(None, book("p1"))
    answer = function.handler({"Records": [first, second]}, Context("project", 5.5))
    assert answer == {"batchItemFailures": [{"itemIdentifier": second["dynamodb"]["SequenceNumber"]}]}


def test_a_new_order_is_told_of_with_the_same_id_each_time(
    function: ModuleType, bus: tuple[str, Callable[[], list[Any]]]
) -> None:
    item = placed()
    confirmed = item | {"status": "CONFIRMED"}
    event = {"Records": [record(None, item), record(item, confirmed), record(confirmed, None)]}
    for _ in range(2):
        assert function.handler(event, Context("project")) == {"batchItemFailures": []}
    first, second = eventually(lambda: told if len(told := bus[1]()) == 2 else [])
    assert first["detail"] == second["detail"]
    assert (first["source"], first["detail-type"]) == ("headwater.shop", "OrderPlaced")
    assert first["detail"] == {
        "id": f"ORDERS#user-1/{item['sk']}",
        "orderId": item["sk"],
        "userId": "user-1",
        "status": "PENDING",
        "lines": [{"productId": "p1", "title": "Rocannon's World", "quantity": 2, "price": 999}],
        "total": 1998,
        "currency": "EUR",
        "placedAt": "2026-11-21T12:00:00.000Z",
        "traceId": "Root=1-abc",
    }


def test_an_order_of_any_shape_is_told_of(function: ModuleType, bus: tuple[str, Callable[[], list[Any]]]) -> None:
    raw = {"pk": "ORDERS#u", "sk": "o1", "lines": "none", "total": "much", "placedAt": 7, "traceId": 7}
    assert function.handler({"Records": [record(None, raw)]}, Context("project")) == {"batchItemFailures": []}
    (told,) = eventually(bus[1])
    assert (told["detail"]["orderId"], told["detail"]["lines"], told["detail"]["total"]) == ("o1", [], 0)


def test_orders_that_the_bus_does_not_take_now_come_again(
    function: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_EVENTBRIDGE", "http://127.0.0.1:9")
    records = [record(None, placed("a")), record(None, placed("b"))]
    answer = function.handler({"Records": records}, Context("project", 5.5))
    assert answer["batchItemFailures"] == [{"itemIdentifier": records[0]["dynamodb"]["SequenceNumber"]}]


def test_operations_are_answered(function: ModuleType, main_table: Table) -> None:
    main_table.write([Put(book("p1"))])
    check = {"operation": "project.check", "productIds": ["p1"]}
    assert function.handler(check, Context("project")) == {"checked": 1, "behind": ["p1"]}
    assert function.handler({"operation": "project", "productIds": ["p1"]}, Context("project"))["projected"] == 1
    assert function.handler(check, Context("project")) == {"checked": 1, "behind": []}
