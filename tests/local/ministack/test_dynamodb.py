"""Time to live, streams that survive, and queries that cost what they return."""

from __future__ import annotations

import contextlib
import json
import random
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.local.ministack.contract import contract, own_server
from tests.local.ministack.paging import pages
from tests.local.ministack.servers import PROJECT, Server, running, wait_until

SHARD = "shardId-00000000000000000000-00000000"


def create_table(server: Server, name: str, *, stream: bool = False, sort_type: str | None = None) -> Any:
    """A table keyed by `pk` and perhaps `sk`; returns the boto3 client."""
    dynamodb = server.client("dynamodb")
    attributes, keys = [{"AttributeName": "pk", "AttributeType": "S"}], [{"AttributeName": "pk", "KeyType": "HASH"}]
    if sort_type:
        attributes.append({"AttributeName": "sk", "AttributeType": sort_type})
        keys.append({"AttributeName": "sk", "KeyType": "RANGE"})
    dynamodb.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=attributes,
        KeySchema=keys,
        StreamSpecification={"StreamEnabled": stream, **({"StreamViewType": "NEW_AND_OLD_IMAGES"} if stream else {})},
    )
    return dynamodb


def records(server: Server, table: str, **start: str) -> list[dict[str, Any]]:
    """The stream records of a table, from the beginning or from a sequence number."""
    arn = server.client("dynamodb").describe_table(TableName=table)["Table"]["LatestStreamArn"]
    streams = server.client("dynamodbstreams")
    start = start or {"ShardIteratorType": "TRIM_HORIZON"}
    iterator = streams.get_shard_iterator(StreamArn=arn, ShardId=SHARD, **start)["ShardIterator"]
    found: list[dict[str, Any]] = streams.get_records(ShardIterator=iterator)["Records"]
    return found


@contract
def test_the_time_to_live_of_a_template_is_set_and_changed(server: Server) -> None:
    def template(time_to_live: dict[str, Any] | None) -> str:
        properties = {
            "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
            "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
            **({"TimeToLiveSpecification": time_to_live} if time_to_live else {}),
            "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True},
        }
        resources = {"T": {"Type": "AWS::DynamoDB::Table", "Properties": properties}}
        return json.dumps({"Resources": resources, "Outputs": {"Name": {"Value": {"Ref": "T"}}}})

    dynamodb = server.client("dynamodb")
    name = server.deploy("ttl", template({"AttributeName": "gone", "Enabled": True}))["Name"]
    described = dynamodb.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
    assert described == {"TimeToLiveStatus": "ENABLED", "AttributeName": "gone"}
    backups = dynamodb.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
    assert backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "ENABLED"

    server.deploy("ttl", template(None))
    assert dynamodb.describe_time_to_live(TableName=name)["TimeToLiveDescription"]["TimeToLiveStatus"] == "DISABLED"


def enable_ttl(dynamodb: Any, table: str) -> None:
    """Items of the table expire at `gone`."""
    specification = {"AttributeName": "gone", "Enabled": True}
    dynamodb.update_time_to_live(TableName=table, TimeToLiveSpecification=specification)


def test_an_expired_item_leaves_a_record_of_its_removal_by_the_service(mended: Server) -> None:
    dynamodb = create_table(mended, "expiring", stream=True)
    past, future = str(int(time.time()) - 5), str(int(time.time()) + 3600)
    dynamodb.put_item(TableName="expiring", Item={"pk": {"S": "written before"}, "gone": {"N": past}})
    enable_ttl(dynamodb, "expiring")
    dynamodb.put_item(TableName="expiring", Item={"pk": {"S": "written after"}, "gone": {"N": past}})
    dynamodb.put_item(TableName="expiring", Item={"pk": {"S": "later"}, "gone": {"N": future}})
    dynamodb.put_item(TableName="expiring", Item={"pk": {"S": "ancient"}, "gone": {"N": "1"}})
    dynamodb.put_item(TableName="expiring", Item={"pk": {"S": "a text"}, "gone": {"S": past}})

    def removals() -> list[dict[str, Any]]:
        return [record for record in records(mended, "expiring") if record["eventName"] == "REMOVE"]

    removed = wait_until(lambda: found if len(found := removals()) == 2 else None, "two removals")

    assert {record["dynamodb"]["Keys"]["pk"]["S"] for record in removed} == {"written before", "written after"}
    for record in removed:
        assert record["userIdentity"] == {"PrincipalId": "dynamodb.amazonaws.com", "Type": "Service"}
        assert record["dynamodb"]["OldImage"]["gone"] == {"N": past}
    left = dynamodb.scan(TableName="expiring")["Items"]
    assert {item["pk"]["S"] for item in left} == {"later", "ancient", "a text"}


def test_an_item_whose_expiry_is_postponed_stays(mended: Server) -> None:
    dynamodb = create_table(mended, "postponed")
    enable_ttl(dynamodb, "postponed")
    soon, late = str(int(time.time()) + 1), str(int(time.time()) + 3600)
    for key in ("postponed", "expiring"):
        dynamodb.put_item(TableName="postponed", Item={"pk": {"S": key}, "gone": {"N": soon}})
    dynamodb.put_item(TableName="postponed", Item={"pk": {"S": "postponed"}, "gone": {"N": late}})

    wait_until(lambda: dynamodb.scan(TableName="postponed")["Count"] == 1, "the other item goes")

    assert dynamodb.scan(TableName="postponed")["Items"][0]["pk"]["S"] == "postponed"


STOCK_SWEEP = """
import time
really_sleep = time.sleep
time.sleep = lambda seconds: really_sleep(min(seconds, 0.1))
from ministack.services import dynamodb as d
def call(operation, **request):
    status, _, body = operation(request)
    assert status == 200, body
call(d._create_table, TableName="table", BillingMode="PAY_PER_REQUEST",
     AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
     KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
     StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"})
call(d._update_ttl, TableName="table", TimeToLiveSpecification={"AttributeName": "gone", "Enabled": True})
call(d._put_item, TableName="table", Item={"pk": {"S": "a"}, "gone": {"N": str(int(time.time()) - 5)}})
deadline = time.monotonic() + 20
while d._tables["table"]["items"] and time.monotonic() < deadline:
    really_sleep(0.01)
print([record["eventName"] for record in d._stream_records["table"]])
"""


def test_the_stock_sweep_still_leaves_no_record() -> None:
    """When this fails, `sweep_expired_items` and `stop_stock_ttl_sweep` are no longer needed."""
    printed = subprocess.run(
        [sys.executable, "-c", STOCK_SWEEP], cwd=PROJECT, capture_output=True, text=True, check=True, timeout=60
    )
    assert printed.stdout.strip() == "['INSERT']"


@own_server
def test_stream_records_survive_a_restart(is_mended: bool, tmp_path: Path) -> None:
    with running(tmp_path, mended=is_mended) as server:
        dynamodb = create_table(server, "lasting", stream=True)
        for number in range(3):
            dynamodb.put_item(TableName="lasting", Item={"pk": {"S": str(number)}})
        before = [record["dynamodb"]["SequenceNumber"] for record in records(server, "lasting")]
        assert len(before) == 3
        server.stop()
        server.start()

        dynamodb = server.client("dynamodb")
        dynamodb.put_item(TableName="lasting", Item={"pk": {"S": "3"}})

        after = [record["dynamodb"]["SequenceNumber"] for record in records(server, "lasting")]
        assert after[:3] == before
        assert after == sorted(after)
        resumed = records(server, "lasting", ShardIteratorType="AFTER_SEQUENCE_NUMBER", SequenceNumber=before[1])
        assert len(resumed) == 2


@contract
def test_a_checkpoint_ahead_of_the_stream_waits_for_what_comes(server: Server) -> None:
    dynamodb = create_table(server, "ahead", stream=True)
    dynamodb.put_item(TableName="ahead", Item={"pk": {"S": "seen"}})
    number = str(int(records(server, "ahead")[0]["dynamodb"]["SequenceNumber"]) + 1).zfill(30)

    assert records(server, "ahead", ShardIteratorType="AFTER_SEQUENCE_NUMBER", SequenceNumber=number) == []


def fill(server: Server, table: str, items: list[dict[str, Any]]) -> None:
    """Write items in batches."""
    dynamodb = server.client("dynamodb")
    for start in range(0, len(items), 25):
        batch = [{"PutRequest": {"Item": item}} for item in items[start : start + 25]]
        dynamodb.batch_write_item(RequestItems={table: batch})


def times_as_long(call: Callable[[], object], other: Callable[[], object]) -> float:
    """How many times as long one call takes as another: of each the quickest of several, in turn."""

    def seconds(each: Callable[[], object]) -> float:
        started = time.perf_counter()
        each()
        return time.perf_counter() - started

    rounds = [(seconds(call), seconds(other)) for _ in range(15)]
    return min(first for first, _ in rounds) / min(second for _, second in rounds)


@contract
def test_a_query_in_a_large_partition_costs_what_it_returns(server: Server) -> None:
    create_table(server, "large", sort_type="S")
    fill(server, "large", [{"pk": {"S": "p"}, "sk": {"S": f"{number:06d}"}} for number in range(3000)])
    fill(server, "large", [{"pk": {"S": "few"}, "sk": {"S": f"{number:06d}"}} for number in range(2990, 3000)])
    dynamodb = server.client("dynamodb")

    def query(partition: str) -> None:
        page = dynamodb.query(
            TableName="large",
            KeyConditionExpression="pk = :p AND sk > :s",
            FilterExpression="attribute_not_exists(absent)",
            ExpressionAttributeValues={":p": {"S": partition}, ":s": {"S": "001500"}},
            ScanIndexForward=False,
            Limit=10,
        )
        assert page["Items"][0]["sk"]["S"] == "002999"

    assert times_as_long(lambda: query("p"), lambda: query("few")) < 2


@contract
def test_a_scan_reads_its_filter_once(server: Server) -> None:
    create_table(server, "scanned", sort_type="S")
    fill(server, "scanned", [{"pk": {"S": "p"}, "sk": {"S": f"{number:06d}"}} for number in range(2000)])
    dynamodb = server.client("dynamodb")

    def scan(**filtered: Any) -> None:
        page = dynamodb.scan(TableName="scanned", **filtered)
        assert page["Count"] == (9 if filtered else 2000)

    ratio = times_as_long(
        lambda: scan(
            FilterExpression="begins_with(sk, :s) AND attribute_exists(pk) AND NOT contains(sk, :c)",
            ExpressionAttributeValues={":s": {"S": "00000"}, ":c": {"S": "9"}},
        ),
        scan,
    )
    assert ratio < 2.5  # 5 when it is read anew for each item


CONDITIONS = ("sk = {a}", "sk < {a}", "sk <= {a}", "sk > {a}", "sk >= {a}", "{a} < sk", "sk BETWEEN {a} AND {b}")


@pytest.fixture(scope="session", params=["S", "N"])
def twins(request: pytest.FixtureRequest, mended: Server, stock: Server) -> tuple[str, Any, Any]:
    """The same table on both servers, after the same writes and deletes; with the type of its sort key."""
    kind = request.param
    table, choose = f"twins-{kind}", random.Random(7)
    values = (
        ["", "a", "ab", "abc", "abd", "b", "ba", "é", "\U0001f600"] if kind == "S" else ["-10", "-2.5", "0", "3", "20"]
    )
    values += [str(number) for number in range(40)] if kind == "N" else [f"k{number:02d}" for number in range(40)]
    values = [value for value in dict.fromkeys(values) if value]
    clients = [create_table(server, table, sort_type=kind) for server in (mended, stock)]
    # A query first, so that the mended server keeps its order through all the writes.
    for step in range(150):
        key = {"pk": {"S": "p"}, "sk": {kind: choose.choice(values)}}
        delete, text = choose.random() < 0.3, str(step) * choose.randrange(1, 400)
        for client in clients:
            if delete:
                client.delete_item(TableName=table, Key=key)
            else:
                client.put_item(TableName=table, Item={**key, "text": {"S": text}})
            if step % 10 == 0:
                client.query(
                    TableName=table,
                    KeyConditionExpression="pk = :p",
                    ExpressionAttributeValues={":p": {"S": "p"}},
                )
    return table, clients[0], clients[1]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_narrowed_query_answers_as_the_whole_one(twins: tuple[str, Any, Any], data: st.DataObject) -> None:
    table, mended, stock = twins
    kind = table[-1]
    value = st.sampled_from(
        ["a", "ab", "abd", "b", "k05", "k17", "zz", "é"] if kind == "S" else ["-3", "0", "7", "15.5"]
    )
    a, b = data.draw(value), data.draw(value)
    conditions = [*CONDITIONS, *(["begins_with(sk, {a})"] if kind == "S" else []), ""]
    condition = data.draw(st.sampled_from(conditions))
    names = {"#s": "sk"} if condition and data.draw(st.booleans()) else {}
    text = condition.format(a=":a", b=":b").replace("sk", "#s" if names else "sk")
    request: dict[str, Any] = {
        "TableName": table,
        "KeyConditionExpression": " AND ".join(filter(None, ["pk = :p", text])),
        "ExpressionAttributeValues": {":p": {"S": "p"}},
        "ScanIndexForward": data.draw(st.booleans()),
        **({"ExpressionAttributeNames": names} if names else {}),
    }
    if condition:
        request["ExpressionAttributeValues"][":a"] = {kind: a}
    if "{b}" in condition:
        request["ExpressionAttributeValues"][":b"] = {kind: b}
    limit = data.draw(st.one_of(st.none(), st.integers(1, 7)))
    if limit:
        request["Limit"] = limit
    if data.draw(st.booleans()):
        request["FilterExpression"] = "size(#t) > :z"
        request["ExpressionAttributeNames"] = {**names, "#t": "text"}
        request["ExpressionAttributeValues"][":z"] = {"N": "300"}

    assert pages(mended, request) == pages(stock, request)


def test_a_partition_that_empties_and_fills_again_is_read_afresh(mended: Server) -> None:
    dynamodb = create_table(mended, "refilled", sort_type="S")

    def keys() -> list[str]:
        values = {":p": {"S": "p"}}
        page = dynamodb.query(TableName="refilled", KeyConditionExpression="pk = :p", ExpressionAttributeValues=values)
        return [item["sk"]["S"] for item in page["Items"]]

    for round_keys in (["b", "a"], ["c"], ["a", "b", "c"]):
        for key in round_keys:
            dynamodb.put_item(TableName="refilled", Item={"pk": {"S": "p"}, "sk": {"S": key}})
        assert keys() == sorted(round_keys)
        for key in round_keys:
            dynamodb.delete_item(TableName="refilled", Key={"pk": {"S": "p"}, "sk": {"S": key}})
        assert keys() == []


def test_a_table_that_is_deleted_and_created_again_is_read_afresh(mended: Server) -> None:
    values = {":p": {"S": "p"}}
    for key in ("old", "new"):
        dynamodb = create_table(mended, "replaced", sort_type="S")
        dynamodb.put_item(TableName="replaced", Item={"pk": {"S": "p"}, "sk": {"S": key}})
        page = dynamodb.query(TableName="replaced", KeyConditionExpression="pk = :p", ExpressionAttributeValues=values)
        assert [item["sk"]["S"] for item in page["Items"]] == [key]
        dynamodb.delete_table(TableName="replaced")
    with contextlib.suppress(dynamodb.exceptions.ResourceNotFoundException):
        dynamodb.delete_table(TableName="replaced")


def test_a_page_ends_at_one_megabyte(mended: Server) -> None:
    dynamodb = create_table(mended, "heavy", sort_type="S")
    for number in range(30):
        item = {"pk": {"S": "p"}, "sk": {"S": f"{number:02d}"}, "text": {"S": "x" * 100_000}}
        dynamodb.put_item(TableName="heavy", Item=item)
    request = {
        "TableName": "heavy",
        "KeyConditionExpression": "pk = :p",
        "ExpressionAttributeValues": {":p": {"S": "p"}},
    }

    found = pages(dynamodb, request)

    assert [page["Count"] for page in found] == [10, 10, 10]
