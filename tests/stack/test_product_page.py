"""The page of a product on a running instance: all four sources, and each of them failing in turn."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.stack.instance import Instance, eventually
from tests.stack.judge import Breakable

pytestmark = pytest.mark.stack

PAGE = """query ($id: ID!) { productPage(id: $id) {
  product { id title price } related { id title } prices { currency amount } viewRecorded
} }"""
PRICES = [  # of 10 EUR, by the rates of local/stand_ins
    {"currency": "CHF", "amount": 932}, {"currency": "GBP", "amount": 872}, {"currency": "PLN", "amount": 4245},
    {"currency": "SEK", "amount": 10988}, {"currency": "USD", "amount": 1158},
]  # fmt: skip


class Shelf:
    """Two products of a category of their own. `whole` is the page of the first one."""

    def __init__(self, instance: Instance) -> None:
        self.instance = instance
        self.table = instance.resources("AWS::DynamoDB::Table")["MainTable"]
        self.category = f"c-{uuid.uuid4()}"
        self.id, self.other = f"a-{uuid.uuid4()}", f"b-{uuid.uuid4()}"
        for product_id, price in ((self.id, 1000), (self.other, 1100)):
            instance.client("dynamodb").put_item(TableName=self.table, Item=self.item(product_id, price))
        self.whole: dict[str, Any] = {
            "product": {"id": self.id, "title": "A book", "price": 1000},
            "related": [{"id": self.other, "title": "A book"}],
            "prices": PRICES,
            "viewRecorded": True,
        }

    def item(self, product_id: str, price: int) -> dict[str, Any]:
        path = [{"S": each} for each in ("book", self.category)]
        return {
            "pk": {"S": f"PRODUCT#{product_id}"}, "sk": {"S": "PRODUCT"}, "title": {"S": "A book"},
            "category": {"S": self.category}, "path": {"L": path}, "price": {"N": str(price)},
        }  # fmt: skip

    def page(self, product_id: str | None = None) -> dict[str, Any]:
        return self.instance.graphql(PAGE, id=product_id or self.id)

    def assert_missing(self, member: str, *more: str) -> str:
        """One member is null and told of, and `more` are null with it; the rest is there. Returns the reason."""
        answer = self.page()
        assert answer["data"]["productPage"] == self.whole | dict.fromkeys((member, *more))
        (error,) = answer["errors"]
        assert (error["path"], error["errorType"]) == (["productPage"], "TryAgain")
        assert error["errorInfo"]["member"] == member
        return str(error["errorInfo"]["reason"])


@pytest.fixture(scope="module")
def shelf(instance: Instance) -> Shelf:
    found = Shelf(instance)
    eventually(lambda: found.page()["data"]["productPage"]["related"], 30)
    return found


@pytest.fixture
def broken(instance: Instance) -> Iterator[Breakable]:
    found = Breakable(instance)
    yield found
    found.clear()


@contextmanager
def without_rights(instance: Instance, logical_id: str) -> Iterator[None]:
    """A role that may do nothing for a while."""
    iam, role = instance.client("iam"), instance.resources("AWS::IAM::Role")[logical_id]
    (name,) = iam.list_role_policies(RoleName=role)["PolicyNames"]
    policy = iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
    iam.delete_role_policy(RoleName=role, PolicyName=name)
    try:
        yield
    finally:
        iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=json.dumps(policy))


def test_a_page_is_what_four_sources_say(shelf: Shelf) -> None:
    assert shelf.page() == {"data": {"productPage": shelf.whole}}
    assert shelf.page("unknown") == {"data": {"productPage": None}}


def test_a_view_is_told_to_those_who_have_a_rule_for_it(shelf: Shelf) -> None:
    instance = shelf.instance
    events, sqs = instance.client("events"), instance.client("sqs")
    name = f"views-{uuid.uuid4()}"
    queue = sqs.create_queue(QueueName=name)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    bus = instance.resources("AWS::Events::EventBus")["Events"]
    pattern = {"source": ["headwater.shop"], "detail-type": ["ProductViewed"], "detail": {"productId": [shelf.id]}}
    events.put_rule(Name=name, EventBusName=bus, EventPattern=json.dumps(pattern))
    events.put_targets(Rule=name, EventBusName=bus, Targets=[{"Id": "queue", "Arn": arn}])
    try:
        assert shelf.page()["data"]["productPage"]["viewRecorded"] is True
        (message,) = eventually(lambda: sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=1).get("Messages"))
        told = json.loads(message["Body"])
        assert told["detail-type"] == "ProductViewed"
        assert told["detail"].keys() == {"id", "productId", "userId", "viewedAt"}
        assert (told["detail"]["productId"], told["detail"]["userId"]) == (shelf.id, None)
    finally:
        events.remove_targets(Rule=name, EventBusName=bus, Ids=["queue"])
        events.delete_rule(Name=name, EventBusName=bus)
        sqs.delete_queue(QueueUrl=queue)


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ({"status": 500}, "HTTP 500"),
        ({"body": '{"base": "EUR", "rates": '}, "no rates of EUR"),
        ({"body": '{"base": "EUR", "rates": {"USD": "1.1"}}'}, "rates that are none"),
    ],
)
def test_rates_that_do_not_come_take_the_prices(
    shelf: Shelf, broken: Breakable, fault: dict[str, Any], reason: str
) -> None:
    broken.set("stand-in", parameter="RatesUrl", **fault)
    assert shelf.assert_missing("prices") == reason


def test_rates_that_come_late_are_waited_for(shelf: Shelf, broken: Breakable) -> None:
    broken.set("stand-in", parameter="RatesUrl", seconds=0.5)
    assert shelf.page() == {"data": {"productPage": shelf.whole}}


def test_a_function_that_dies_takes_the_related_products(shelf: Shelf, broken: Breakable) -> None:
    broken.set("kill-worker", function="ProductPage", count=1)
    assert shelf.assert_missing("related").startswith("Lambda:")


def test_a_bus_that_takes_no_event_takes_the_record_of_the_view(shelf: Shelf) -> None:
    with without_rights(shelf.instance, "PageEventsDataSourceRole"):
        assert eventually(lambda: shelf.page()["data"]["productPage"]["viewRecorded"] is None)
        assert shelf.assert_missing("viewRecorded").startswith("EventBridge:")
    assert eventually(lambda: shelf.page() == {"data": {"productPage": shelf.whole}})


def test_a_table_that_cannot_be_read_takes_the_product_and_its_prices(shelf: Shelf) -> None:
    with without_rights(shelf.instance, "PageProductsDataSourceRole"):
        assert eventually(lambda: shelf.page()["data"]["productPage"]["product"] is None)
        assert shelf.assert_missing("product", "prices").startswith("DynamoDB:")
    assert eventually(lambda: shelf.page() == {"data": {"productPage": shelf.whole}})
