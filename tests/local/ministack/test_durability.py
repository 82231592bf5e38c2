"""What was acknowledged is there after kill -9, whatever the journal went through."""

from __future__ import annotations

import json
import random
import resource
import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.local.ministack.contract import own_server
from tests.local.ministack.servers import Server, running, wait_until

IMAGES = {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}
QUICK = {"HEADWATER_SAVE_SECONDS": "0.1"}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """A server of the test's own, that saves quickly."""
    with running(tmp_path, mended=True, environment=QUICK) as started:
        yield started


def create(server: Server, name: str = "table", **more: Any) -> None:
    """A table with a sort key and a stream, known to a save."""
    server.client("dynamodb").create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in ("pk", "sk")],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        **({"StreamSpecification": IMAGES} | more),
    )
    server.save()


def item(key: str, text: str = "", **more: Any) -> dict[str, Any]:
    """An item of the table."""
    return {"pk": {"S": "p"}, "sk": {"S": key}, "text": {"S": text}, **more}


def items(server: Server, table: str = "table") -> list[dict[str, Any]]:
    """All items, in order."""
    pages = server.client("dynamodb").get_paginator("scan").paginate(TableName=table)
    return sorted((found for page in pages for found in page["Items"]), key=lambda found: str(found["sk"]["S"]))


def records(server: Server, table: str = "table", arn: str | None = None) -> list[dict[str, Any]]:
    """All records of a table's stream."""
    streams = server.client("dynamodbstreams")
    arn = arn or server.client("dynamodb").describe_table(TableName=table)["Table"]["LatestStreamArn"]
    shard = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"][0]["ShardId"]
    iterator = streams.get_shard_iterator(StreamArn=arn, ShardId=shard, ShardIteratorType="TRIM_HORIZON")
    found: list[dict[str, Any]] = streams.get_records(ShardIterator=iterator["ShardIterator"])["Records"]
    return found


def write_in_every_way(server: Server) -> None:
    """Each operation that writes items, also such that fail."""
    table = server.client("dynamodb")
    key = {"pk": {"S": "p"}, "sk": {"S": "updated"}}
    values = {":t": {"S": "new"}}
    table.put_item(TableName="table", Item=item("put", "first"))
    table.put_item(TableName="table", Item=item("put", "second"))
    table.put_item(TableName="table", Item=item("put", "second"))  # changes nothing: no record
    table.update_item(
        TableName="table", Key=key, UpdateExpression="SET #t = :t", ExpressionAttributeNames={"#t": "text"},
        ExpressionAttributeValues=values,
    )  # fmt: skip
    table.put_item(TableName="table", Item=item("deleted"))
    table.delete_item(TableName="table", Key={"pk": {"S": "p"}, "sk": {"S": "deleted"}})
    table.batch_write_item(
        RequestItems={
            "table": [
                {"PutRequest": {"Item": item("batch", "€\n\u2028")}},
                {"DeleteRequest": {"Key": {"pk": {"S": "p"}, "sk": {"S": "never there"}}}},
            ]
        }
    )
    table.transact_write_items(
        TransactItems=[
            {"Put": {"TableName": "table", "Item": item("transaction")}},
            {"Update": {
                "TableName": "table", "Key": key, "UpdateExpression": "SET n = :n",
                "ExpressionAttributeValues": {":n": {"N": "1"}},
            }},
        ]
    )  # fmt: skip
    with pytest.raises(ClientError, match="TransactionCanceled"):
        table.transact_write_items(
            TransactItems=[
                {"Put": {"TableName": "table", "Item": item("cancelled")}},
                {
                    "ConditionCheck": {
                        "TableName": "table",
                        "Key": key,
                        "ConditionExpression": "attribute_not_exists(pk)",
                    }
                },
            ]
        )
    table.execute_statement(Statement="INSERT INTO \"table\" VALUE {'pk': 'p', 'sk': 'statement', 'text': ''}")
    table.execute_transaction(
        TransactStatements=[
            {"Statement": "INSERT INTO \"table\" VALUE {'pk': 'p', 'sk': 'statements'}"},
            {"Statement": "DELETE FROM \"table\" WHERE pk = 'p' AND sk = 'statement'"},
        ]
    )
    with pytest.raises(ClientError, match="TransactionCanceled"):
        table.execute_transaction(
            TransactStatements=[
                {"Statement": "DELETE FROM \"table\" WHERE pk = 'p' AND sk = 'put'"},
                {"Statement": "INSERT INTO \"table\" VALUE {'pk': 'p', 'sk': 'batch'}"},
            ]
        )


def test_every_way_to_write_is_there_at_once_with_its_stream_records(server: Server) -> None:
    create(server)
    write_in_every_way(server)
    before = items(server), records(server)

    server.kill()
    server.start()

    assert (items(server), records(server)) == before
    assert [found["sk"]["S"] for found in before[0]] == ["batch", "put", "statements", "transaction", "updated"]
    assert any("OldImage" in record["dynamodb"] for record in before[1])
    table = server.client("dynamodb")
    assert table.describe_table(TableName="table")["Table"]["ItemCount"] == len(before[0])
    table.put_item(TableName="table", Item=item("later"))
    numbers = [record["dynamodb"]["SequenceNumber"] for record in records(server)]
    assert numbers == sorted(set(numbers))


@pytest.mark.parametrize("view", ["KEYS_ONLY", "NEW_IMAGE", "OLD_IMAGE"])
def test_records_have_the_images_of_their_view(server: Server, view: str) -> None:
    create(server, StreamSpecification={"StreamEnabled": True, "StreamViewType": view})
    write_in_every_way(server)
    before = records(server)
    server.kill()
    server.start()
    assert records(server) == before


def test_the_service_s_removals_are_there_too(server: Server) -> None:
    create(server)
    table = server.client("dynamodb")
    table.update_time_to_live(
        TableName="table", TimeToLiveSpecification={"Enabled": True, "AttributeName": "expiresAt"}
    )
    table.put_item(TableName="table", Item=item("expired", expiresAt={"N": str(int(time.time()) - 1)}))
    wait_until(lambda: not items(server), "the item is removed")
    before = records(server)
    server.kill()
    server.start()
    assert items(server) == []
    assert records(server) == before
    assert before[-1]["userIdentity"]["PrincipalId"] == "dynamodb.amazonaws.com"


def test_a_table_of_the_same_name_is_another_one(server: Server) -> None:
    create(server)
    table = server.client("dynamodb")
    table.put_item(TableName="table", Item=item("of the first", "one"))
    table.put_item(TableName="table", Item=item("of the first", "two"))
    first = table.describe_table(TableName="table")["Table"]["LatestStreamArn"]
    of_the_first = records(server)
    table.delete_table(TableName="table")
    create(server)
    table.put_item(TableName="table", Item=item("of the second"))

    for _ in range(2):
        server.kill()
        server.start()

        assert [found["sk"]["S"] for found in items(server)] == ["of the second"]
        assert len(records(server)) == 1
        assert records(server, arn=first) == of_the_first


def test_restored_tables_are_there_with_their_items(server: Server) -> None:
    create(server)
    table = server.client("dynamodb")
    for number in range(30):
        table.put_item(TableName="table", Item=item(str(number)))
    backup = table.create_backup(TableName="table", BackupName="backup")["BackupDetails"]["BackupArn"]
    table.restore_table_from_backup(TargetTableName="restored", BackupArn=backup)
    server.save()
    server.kill()
    server.start()
    assert items(server, "restored") == items(server)
    assert len(items(server)) == 30


def test_a_crash_at_any_moment_of_a_compaction_loses_nothing(tmp_path: Path) -> None:
    chance = random.Random(4)
    with running(tmp_path, mended=True, environment={**QUICK, "HEADWATER_COMPACT_BYTES": "20000"}) as server:
        create(server)
        acknowledged: list[str] = []
        generations = set()
        for round_number in range(6):
            client = server.client("dynamodb")

            def write(client: Any = client, round_number: int = round_number) -> None:
                for number in range(100_000):
                    key = f"{round_number}-{number:05d}"
                    try:
                        client.put_item(TableName="table", Item=item(key, "x" * 400))
                    except Exception:  # noqa: BLE001 - it was killed: that is the end of the writing
                        return
                    acknowledged.append(key)

            writer = threading.Thread(target=write)
            writer.start()
            time.sleep(chance.uniform(0.05, 0.8))  # the moment of the crash is what is tried
            server.kill()
            writer.join()
            server.start()
            generations |= {path.name for path in (tmp_path / "journal").glob("*.base")}

            there = [found["sk"]["S"] for found in items(server)]
            assert set(acknowledged) <= set(there)
            assert len(there) <= len(acknowledged) + round_number + 1  # a request that was under way may be there
        wait_until(lambda: len(list((tmp_path / "journal").iterdir())) <= 3, "what is compacted is removed")
    assert len(generations) > 1


def test_a_state_that_was_saved_whole_is_taken_over(tmp_path: Path) -> None:
    with running(tmp_path / "stock", mended=False) as stock:
        client = stock.client("dynamodb")
        client.create_table(
            TableName="table",
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in ("pk", "sk")],
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
            StreamSpecification=IMAGES,
        )
        for number in range(10):
            client.put_item(TableName="table", Item=item(str(number)))
        before, streamed = items(stock), records(stock)
        arn = client.describe_table(TableName="table")["Table"]["LatestStreamArn"]
    state = tmp_path / "state"
    saved = state / "saves" / "00000007"
    shutil.copytree(tmp_path / "stock" / "state", saved)
    content = json.loads((saved / "dynamodb.json").read_text())
    # As Headwater saved streams before there was a journal.
    plain = json.loads(json.dumps(streamed, default=lambda time: time.timestamp()))
    content["payload"]["_stream_records"] = {
        "__account_region_scoped__": True, "data": {"000000000000\0us-east-1\0'table'": [
            {**record, "eventSourceARN": arn} for record in plain
        ]},
    }  # fmt: skip
    content["payload"]["_stream_seq_counter"] = 10
    (saved / "dynamodb.json").write_text(json.dumps(content))
    (state / "current").symlink_to("saves/00000007")
    (state / "journal").mkdir()
    (state / "journal" / "00000003.log").write_text("of nobody's")

    with running(state, mended=True, environment=QUICK) as server:
        for _ in range(2):
            assert items(server) == before
            assert records(server) == streamed
            server.client("dynamodb").put_item(TableName="table", Item=before[0])
            server.kill()
            server.start()
        assert list(state.glob("journal-*"))


def test_a_full_disk_refuses_writes_and_loses_none(server: Server) -> None:
    create(server)
    assert server.process is not None
    pid, table = server.process.pid, server.client("dynamodb")
    log = next((server.state / "journal").glob("*.log"))
    acknowledged = []
    unlimited = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (log.stat().st_size + 6000, unlimited[1]))

    def fill() -> None:
        for number in range(1000):
            table.put_item(TableName="table", Item=item(f"{number:04d}", "x" * 500))
            acknowledged.append(f"{number:04d}")

    with pytest.raises(ClientError, match="disk is full"):
        fill()
    with pytest.raises(ClientError, match="disk is full"):
        table.put_item(TableName="table", Item=item("refused"))
    assert table.get_item(TableName="table", Key={"pk": {"S": "p"}, "sk": {"S": "0000"}})["Item"]
    resource.prlimit(pid, resource.RLIMIT_FSIZE, unlimited)
    table.put_item(TableName="table", Item=item("with room again"))

    server.kill()
    server.start()

    there = [found["sk"]["S"] for found in items(server)]
    # The one that was refused as it was written is there; AWS's 500 says as little about its outcome.
    assert there == [*acknowledged, f"{len(acknowledged):04d}", "with room again"]


def test_saves_that_the_disk_does_not_take_refuse_changes_until_one_does(server: Server) -> None:
    assert server.process is not None
    pid, parameters = server.process.pid, server.client("ssm")
    unlimited = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (50_000, unlimited[1]))

    def refused() -> bool:
        try:
            parameters.put_parameter(Name=f"n{time.monotonic_ns()}", Value="v" * 4000, Type="String")
        except ClientError as error:
            return error.response["ResponseMetadata"]["HTTPStatusCode"] == 500
        return False

    wait_until(refused, "a change is refused")
    resource.prlimit(pid, resource.RLIMIT_FSIZE, unlimited)
    wait_until(lambda: not refused(), "there is room again")
    assert parameters.describe_parameters()["Parameters"]


def test_without_the_tables_the_items_are_put_aside(server: Server) -> None:
    create(server)
    server.client("dynamodb").put_item(TableName="table", Item=item("kept aside"))
    server.stop()
    (server.state / "current" / "dynamodb.json").write_text("")

    server.start()

    assert server.client("dynamodb").list_tables()["TableNames"] == []
    aside = next((server.state / "unreadable").glob("journal-of-dynamodb-*"))
    assert any(b"kept aside" in path.read_bytes() for path in aside.iterdir())
    assert "1 writes to table table are left out" in (server.state / "log").read_text()


def test_damaged_files_end_in_a_working_start(server: Server) -> None:
    create(server)
    table = server.client("dynamodb")
    table.put_item(TableName="table", Item=item("kept"))
    server.stop()
    current = server.state / "current"
    (current / "sqs.json").write_text('{"__ministack_format__": 2, "payl')
    (current / "journal.json").write_text("")
    log = next((server.state / "journal").glob("*.log"))
    log.write_bytes(log.read_bytes() + b'0badc0de [["put", "cut')

    server.start()

    assert [found["sk"]["S"] for found in items(server)] == ["kept"]
    assert (next((server.state / "unreadable").iterdir())).read_text().endswith("payl")
    server.client("dynamodb").put_item(TableName="table", Item=item("later"))
    server.client("sqs").create_queue(QueueName="q")
    server.kill()
    server.start()
    assert [found["sk"]["S"] for found in items(server)] == ["kept", "later"]


@own_server
def test_a_role_s_session_outlives_the_process(is_mended: bool, tmp_path: Path) -> None:
    with running(tmp_path, mended=is_mended) as server:
        trust = json.dumps(
            {
                "Version": "2012-10-17",
                "Statement": [
                    {"Effect": "Allow", "Principal": {"AWS": "000000000000"}, "Action": "sts:AssumeRole"},
                ],
            }
        )
        role = server.client("iam").create_role(RoleName="r", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
        if is_mended:
            server.save()
        found = server.client("sts").assume_role(RoleArn=role, RoleSessionName="session")["Credentials"]
        if is_mended:
            server.kill()
        else:
            server.stop()
        server.start()

        sts = server.client(
            "sts",
            aws_access_key_id=found["AccessKeyId"],
            aws_secret_access_key=found["SecretAccessKey"],
            aws_session_token=found["SessionToken"],
        )
        assert sts.get_caller_identity()["Arn"] == "arn:aws:sts::000000000000:assumed-role/r/session"
