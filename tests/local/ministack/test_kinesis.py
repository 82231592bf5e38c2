"""Kinesis data streams as a consumer needs them."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.local.ministack.contract import contract, own_server
from tests.local.ministack.servers import PROJECT, Server, running, wait_until


@contextmanager
def notifications() -> Iterator[tuple[dict[str, str], Callable[[], list[str]]]]:
    """An environment for a server, and what it has announced so far."""
    with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        path = str(Path(folder) / "notify")
        receiver.bind(path)
        receiver.setblocking(False)
        heard: list[str] = []

        def announced() -> list[str]:
            try:
                while True:
                    heard.append(receiver.recv(4096).decode())
            except BlockingIOError:
                return heard

        yield {"HEADWATER_NOTIFY": path}, announced


def stream(server: Server, name: str, shards: int = 1) -> Any:
    """A new stream; returns the boto3 client."""
    kinesis = server.client("kinesis")
    kinesis.create_stream(StreamName=name, ShardCount=shards)
    kinesis.describe_stream(StreamName=name)  # which makes it active
    return kinesis


def put(kinesis: Any, name: str, *texts: str) -> None:
    """Put records, each with itself as its partition key."""
    for text in texts:
        kinesis.put_record(StreamName=name, PartitionKey=text, Data=text.encode())


def read(kinesis: Any, name: str, shard: str) -> tuple[list[str], str | None]:
    """All records of a shard, and the iterator after them."""
    iterator = kinesis.get_shard_iterator(StreamName=name, ShardId=shard, ShardIteratorType="TRIM_HORIZON")
    answer = kinesis.get_records(ShardIterator=iterator["ShardIterator"])
    return [record["Data"].decode() for record in answer["Records"]], answer.get("NextShardIterator")


@own_server
def test_new_records_are_announced(tmp_path: Path, *, is_mended: bool) -> None:
    with (
        notifications() as (environment, announced),
        running(tmp_path, mended=is_mended, environment=environment) as server,
    ):
        kinesis = stream(server, "announced")
        put(kinesis, "announced", "a")
        source = '{"source": "arn:aws:kinesis:us-east-1:000000000000:stream/announced"}'
        wait_until(lambda: source in announced(), "a notification", 3)
        before = len(announced())
        kinesis.put_records(StreamName="announced", Records=[{"PartitionKey": "k", "Data": b"b"}])
        wait_until(lambda: len(announced()) > before, "another", 3)


@contract
def test_a_split_keeps_the_parent_closed_and_readable(server: Server) -> None:
    kinesis = stream(server, f"split-{server.mended}")
    name = f"split-{server.mended}"
    put(kinesis, name, "a", "b")
    kinesis.split_shard(StreamName=name, ShardToSplit="shardId-000000000000", NewStartingHashKey=str(2**127))
    put(kinesis, name, "c", "d")
    shards = {shard["ShardId"]: shard for shard in kinesis.list_shards(StreamName=name)["Shards"]}
    assert len(shards) == 3
    assert "EndingSequenceNumber" in shards["shardId-000000000000"]["SequenceNumberRange"]
    assert [shards[f"shardId-00000000000{child}"]["ParentShardId"] for child in (1, 2)] == ["shardId-000000000000"] * 2
    assert read(kinesis, name, "shardId-000000000000") == (["a", "b"], None)
    children = read(kinesis, name, "shardId-000000000001"), read(kinesis, name, "shardId-000000000002")
    assert sorted(children[0][0] + children[1][0]) == ["c", "d"]
    assert children[0][1] is not None


@contract
def test_a_merge_and_a_new_shard_count_keep_the_parents(server: Server) -> None:
    name = f"merge-{server.mended}"
    kinesis = stream(server, name, shards=2)
    put(kinesis, name, *"abcdef")
    kinesis.merge_shards(
        StreamName=name, ShardToMerge="shardId-000000000000", AdjacentShardToMerge="shardId-000000000001"
    )
    put(kinesis, name, "g")
    kinesis.update_shard_count(StreamName=name, TargetShardCount=2, ScalingType="UNIFORM_SCALING")
    put(kinesis, name, "h")
    shards = kinesis.list_shards(StreamName=name)["Shards"]
    assert [shard["ShardId"][-1] for shard in shards] == ["0", "1", "2", "3", "4"]
    assert (shards[2]["ParentShardId"][-1], shards[2]["AdjacentParentShardId"][-1]) == ("0", "1")
    assert {shard["ParentShardId"][-1] for shard in shards[3:]} == {"2"}
    texts = [read(kinesis, name, shard["ShardId"])[0] for shard in shards]
    assert sorted(texts[0] + texts[1]) == list("abcdef")
    assert texts[2] == ["g"]
    assert texts[3] + texts[4] == ["h"]


@contract
def test_a_split_that_is_refused_changes_nothing(server: Server) -> None:
    name = f"refused-{server.mended}"
    kinesis = stream(server, name)
    put(kinesis, name, "a")
    kinesis.split_shard(StreamName=name, ShardToSplit="shardId-000000000000", NewStartingHashKey=str(2**127))
    with pytest.raises(kinesis.exceptions.ResourceNotFoundException):
        kinesis.split_shard(StreamName=name, ShardToSplit="shardId-000000000000", NewStartingHashKey=str(2**126))
    assert read(kinesis, name, "shardId-000000000000")[0] == ["a"]


_EXPIRE = """
import time
from types import SimpleNamespace
from ministack.services import kinesis
if {mended}:
    from local.ministack.mends import kinesis as mends
    mends.keep_iterators_in_place()
kinesis._create_stream({{"StreamName": "s", "ShardCount": 1}})
stream = kinesis._streams.get("s")
stream["StreamStatus"] = "ACTIVE"
def put(text, age_hours):
    kinesis._put_record({{"StreamName": "s", "PartitionKey": "k", "Data": text}})
    stream["shards"]["shardId-000000000000"]["records"][-1]["ApproximateArrivalTimestamp"] -= age_hours * 3600
import json
put("b2xk", 23.9999)
put("bmV3", 0)
started = kinesis._get_shard_iterator(
    {{"StreamName": "s", "ShardId": "shardId-000000000000", "ShardIteratorType": "TRIM_HORIZON"}})
first = json.loads(kinesis._get_records({{"ShardIterator": json.loads(started[2])["ShardIterator"], "Limit": 1}})[2])
assert len(first["Records"]) == 1
stream["shards"]["shardId-000000000000"]["records"][0]["ApproximateArrivalTimestamp"] -= 3600
second = json.loads(kinesis._get_records({{"ShardIterator": first["NextShardIterator"]}})[2])
print([record["Data"] for record in second["Records"]])
"""


@own_server
def test_an_iterator_skips_nothing_when_records_expire(tmp_path: Path, *, is_mended: bool) -> None:
    found = in_process(tmp_path, _EXPIRE.format(mended=is_mended))
    assert found == "['bmV3']"


def in_process(folder: Path, code: str) -> str:
    """What a program prints that uses MiniStack's modules without a server: a day cannot be waited for."""
    environment = {**os.environ, "STATE_DIR": str(folder / "state"), "PYTHONPATH": str(PROJECT)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip().splitlines()[-1]
