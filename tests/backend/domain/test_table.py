"""Writing many items that have nothing to do with each other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from botocore.stub import Stubber

from domain.clock import SYSTEM
from domain.table import Item, Rejected, Table, Throttled, dynamodb
from tests.backend.domain.clocks import Quick

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

PUT = {"PutRequest": {"Item": {"pk": {"S": "a"}, "sk": {"S": "0"}}}}
OTHER = {"PutRequest": {"Item": {"pk": {"S": "a"}, "sk": {"S": "1"}}}}
BOTH: list[Item] = [{"pk": "a", "sk": "0"}, {"pk": "a", "sk": "1"}]


@pytest.fixture
def stubbed() -> Iterator[tuple[Table, Stubber]]:
    """A table whose answers are scripted, because MiniStack always has room."""
    client: DynamoDBClient = dynamodb(aws_access_key_id="a", aws_secret_access_key="b", region_name="us-east-1")
    with Stubber(client) as stubber:
        yield Table("T", client), stubber
        stubber.assert_no_pending_responses()


def expect(stubber: Stubber, asked: list[Any], unprocessed: list[Any]) -> None:
    answer = {"UnprocessedItems": {"T": unprocessed} if unprocessed else {}}
    stubber.add_response("batch_write_item", answer, {"RequestItems": {"T": asked}})


def deadline() -> float:
    return SYSTEM.monotonic() + 20


def test_items_of_many_batches_are_written_and_removed(
    search_table: Table, all_items: Callable[[Table], list[Item]]
) -> None:
    items: list[Item] = [{"pk": f"p{number % 7}", "sk": f"{number:03d}", "n": number} for number in range(90)]
    with ThreadPoolExecutor(4) as pool:
        search_table.put_all(items, deadline(), threads=pool.map)
        written = {(item["pk"], item["sk"]): item["n"] for item in all_items(search_table)}
        assert written == {(item["pk"], item["sk"]): item["n"] for item in items}
        search_table.delete_all([(item["pk"], item["sk"]) for item in items[5:]], deadline(), threads=pool.map)
    assert sorted(item["n"] for item in all_items(search_table)) == [0, 1, 2, 3, 4]


def test_of_two_items_with_one_key_the_later_counts(search_table: Table) -> None:
    search_table.put_all([{"pk": "a", "sk": "b", "n": 1}, {"pk": "a", "sk": "b", "n": 2}], deadline())
    search_table.delete_all([("c", "d"), ("c", "d")], deadline())
    assert search_table.get(("a", "b"), 0) == {"pk": "a", "sk": "b", "n": 2}


def test_what_was_not_processed_is_tried_again(stubbed: tuple[Table, Stubber]) -> None:
    table, stubber = stubbed
    expect(stubber, [PUT, OTHER], [OTHER])
    stubber.add_client_error("batch_write_item", "ThrottlingException")
    expect(stubber, [OTHER], [])
    clock = Quick()
    table.put_all(BOTH, 10.0, clock=clock)
    assert 0 < clock.now < 1


def test_a_table_that_takes_nothing_is_given_up_at_the_deadline(stubbed: tuple[Table, Stubber]) -> None:
    table, stubber = stubbed
    for _ in range(3):
        expect(stubber, [PUT, OTHER], [PUT, OTHER])
    with pytest.raises(Throttled):
        table.put_all(BOTH, 0.3, clock=Quick())


def test_what_dynamodb_does_not_take_is_not_tried_again(search_table: Table) -> None:
    with pytest.raises(Rejected):
        search_table.put_all([{"pk": "a", "sk": "b"}, {"pk": "", "sk": "b"}], deadline())
