"""How the process saves, stops, notifies, and what it answers under `/_headwater/`."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.ministack import __main__ as launcher
from tests.local.ministack.contract import contract, own_server
from tests.local.ministack.servers import PROJECT, Server, free_port, running, wait_until, zipped

TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"},
            {"Effect": "Allow", "Principal": {"AWS": "000000000000"}, "Action": "sts:AssumeRole"},
        ],
    }
)


def allow(action: str) -> dict[str, Any]:
    """A policy that allows one action on everything."""
    return {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": action, "Resource": "*"}]}


@contract
def test_nothing_of_the_process_is_written_to_the_common_temporary_directory(server: Server) -> None:
    assert not (Path(tempfile.gettempdir()) / f"ministack-{server.port}.pid").exists()


@own_server
def test_it_stops_quickly_though_a_request_is_waiting(is_mended: bool, tmp_path: Path) -> None:
    with running(tmp_path, mended=is_mended) as server, ThreadPoolExecutor() as pool:
        queues = server.client("sqs")
        url = queues.create_queue(QueueName="empty")["QueueUrl"]
        waiting = pool.submit(queues.receive_message, QueueUrl=url, WaitTimeSeconds=20)
        server.get("/_ministack/health")
        assert not waiting.done()
        started = time.monotonic()

        server.stop()

        assert time.monotonic() - started < 2
        waiting.exception()


def saved(state: Path) -> int:
    """The number of the current save."""
    return int((state / "current").readlink().name)


@own_server
def test_after_kill_9_the_last_save_is_there(is_mended: bool, tmp_path: Path) -> None:
    with running(tmp_path, mended=is_mended, environment={"HEADWATER_SAVE_SECONDS": "0.1"}) as server:
        queues, s3 = server.client("sqs"), server.client("s3")
        queues.create_queue(QueueName="kept")
        s3.create_bucket(Bucket="kept")
        s3.put_object(Bucket="kept", Key="object", Body=b"bytes")
        if is_mended:
            server.save()

        server.kill()
        server.start()

        assert any("kept" in url for url in server.client("sqs").list_queues().get("QueueUrls", []))
        assert server.client("s3").get_object(Bucket="kept", Key="object")["Body"].read() == b"bytes"


def test_function_code_survives_kill_9(tmp_path: Path) -> None:
    with running(tmp_path, mended=True, environment={"HEADWATER_SAVE_SECONDS": "0.1"}) as server:
        functions = server.client("lambda")
        server.create_function("f", "x = 1")
        for source in ("x = 2", "x = 3"):
            digest = functions.update_function_code(FunctionName="f", ZipFile=zipped(source))["CodeSha256"]
            server.save()
        wait_until(lambda: len(list((tmp_path / "ministack" / "lambda-blobs").iterdir())) == 1, "old code is removed")
        server.kill()
        server.start()

        found = server.client("lambda").get_function(FunctionName="f")

        assert found["Configuration"]["CodeSha256"] == digest
        with urllib.request.urlopen(found["Code"]["Location"]) as response:
            assert response.read() == zipped("x = 3")


@contract
def test_the_code_of_a_version_stays_available(server: Server) -> None:
    server.create_function("versioned", "x = 1")
    functions = server.client("lambda")
    for number in (2, 3):
        functions.publish_version(FunctionName="versioned")
        functions.update_function_code(FunctionName="versioned", ZipFile=zipped(f"x = {number}"))
    functions.create_alias(FunctionName="versioned", Name="live", FunctionVersion="1")

    def code(**qualifier: str) -> bytes:
        location = functions.get_function(FunctionName="versioned", **qualifier)["Code"]["Location"]
        with urllib.request.urlopen(location) as response:
            return bytes(response.read())

    assert code() == zipped("x = 3")
    assert code(Qualifier="2") == zipped("x = 2")
    assert code(Qualifier="1") == code(Qualifier="live") == zipped("x = 1")


def test_a_save_that_was_cut_off_leaves_the_previous_one(tmp_path: Path) -> None:
    with running(tmp_path, mended=True) as server:
        server.client("sqs").create_queue(QueueName="kept")
        server.stop()
        number = saved(tmp_path)
        cut_off = tmp_path / "saves" / f"{number + 1:08d}"
        cut_off.mkdir()
        (cut_off / "sqs.json").write_text('{"__ministack_format__": 2, "payl')
        server.start()

        assert server.client("sqs").list_queues()["QueueUrls"]
        assert not cut_off.exists()


def test_reading_saves_nothing_and_an_idle_process_rests(tmp_path: Path) -> None:
    with running(tmp_path, mended=True, environment={"HEADWATER_SAVE_SECONDS": "0.05"}) as server:
        assert server.process is not None
        before = saved(tmp_path)
        server.client("sqs").create_queue(QueueName="kept")
        wait_until(lambda: saved(tmp_path) > before, "the save of a change")
        wait_until(lambda: not list((tmp_path / "saves").glob("*.link")), "the save is over")
        before = saved(tmp_path)
        server.client("dynamodb").list_tables()
        server.client("s3").list_buckets()
        server.get("/_headwater/resources")
        watched = Path(f"/proc/{server.process.pid}/stat")
        if not watched.exists():
            pytest.skip("no /proc here")

        def ticks() -> int:
            fields = watched.read_text().rpartition(")")[2].split()
            return int(fields[11]) + int(fields[12])

        used, until = ticks(), time.monotonic() + 2
        wait_until(lambda: time.monotonic() > until, "two seconds of rest")

        assert ticks() - used <= 0.05 * 2 * os.sysconf("SC_CLK_TCK")
        assert saved(tmp_path) == before


def test_it_ends_when_the_pipe_of_its_parent_closes(tmp_path: Path) -> None:
    read_end, write_end = os.pipe()
    command = [sys.executable, "-m", "local.ministack", "--port", str(free_port()), "--state", str(tmp_path)]
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            [*command, "--parent-pipe", str(read_end)], cwd=PROJECT, pass_fds=(read_end,), stdout=log, stderr=log
        )
    os.close(read_end)
    assert process.poll() is None

    os.close(write_end)

    process.wait(20)


@pytest.fixture
def notified(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[tuple[Server, socket.socket]]:
    """A server, mended or not, and the socket that its notifications come to."""
    with tempfile.TemporaryDirectory() as directory, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        path = str(Path(directory) / "notify")
        receiver.bind(path)
        receiver.settimeout(5)
        with running(tmp_path, mended=request.param, environment={"HEADWATER_NOTIFY": path}) as server:
            yield server, receiver


@pytest.mark.parametrize(
    "notified",
    [True, pytest.param(False, marks=pytest.mark.xfail(strict=True))],
    indirect=True,
    ids=["mended", "stock"],
)
def test_stream_records_and_configuration_changes_are_announced(notified: tuple[Server, socket.socket]) -> None:
    server, receiver = notified
    dynamodb = server.client("dynamodb")
    for table, stream in (("streaming", True), ("silent", False)):
        dynamodb.create_table(
            TableName=table,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
            StreamSpecification={"StreamEnabled": stream, **({"StreamViewType": "KEYS_ONLY"} if stream else {})},
        )
    for table in ("silent", "streaming"):
        dynamodb.put_item(TableName=table, Item={"pk": {"S": "a"}})
    assert json.loads(receiver.recv(4096)) == {"stream": "streaming"}

    server.client("iam").create_user(UserName="somebody")
    assert json.loads(receiver.recv(4096)) == {"control": "iam"}

    template = json.dumps({"Resources": {"Q": {"Type": "AWS::SQS::Queue"}}})
    server.client("cloudformation").create_stack(StackName="announced", TemplateBody=template)
    assert json.loads(receiver.recv(4096)) == {"control": "cloudformation"}


def principal(server: Server, key: str, token: str | None = None) -> tuple[int, dict[str, Any]]:
    """What the server says about an access key."""
    body = json.dumps({"accessKeyId": key, "sessionToken": token}).encode()
    try:
        with urllib.request.urlopen(f"{server.endpoint}/_headwater/principal", data=body) as response:
            return response.status, json.loads(response.read())
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.loads(error.read() or b"{}")


@contract
def test_a_role_is_known_by_its_session_with_policies_as_they_are_now(server: Server) -> None:
    iam = server.client("iam")
    iam.create_role(RoleName="reader", AssumeRolePolicyDocument=TRUST)
    iam.put_role_policy(RoleName="reader", PolicyName="inline", PolicyDocument=json.dumps(allow("appsync:GraphQL")))
    arn = iam.create_policy(PolicyName="managed", PolicyDocument=json.dumps(allow("sqs:SendMessage")))["Policy"]["Arn"]
    iam.attach_role_policy(RoleName="reader", PolicyArn=arn)
    role = "arn:aws:iam::000000000000:role/reader"
    session = server.client("sts").assume_role(
        RoleArn=role, RoleSessionName="session", Policy=json.dumps(allow("appsync:*"))
    )["Credentials"]

    status, found = principal(server, session["AccessKeyId"], session["SessionToken"])

    assert status == 200
    assert found["secretAccessKey"] == session["SecretAccessKey"]
    assert found["arn"] == "arn:aws:sts::000000000000:assumed-role/reader/session"
    assert found["policies"] == [allow("appsync:GraphQL"), allow("sqs:SendMessage")]
    assert found["limits"] == [[allow("appsync:*")]]
    assert principal(server, session["AccessKeyId"])[0] == 404
    iam.delete_role_policy(RoleName="reader", PolicyName="inline")
    assert principal(server, session["AccessKeyId"], session["SessionToken"])[1]["policies"] == [
        allow("sqs:SendMessage")
    ]


def test_a_user_is_known_by_an_access_key_with_the_policies_of_its_groups(mended: Server) -> None:
    iam = mended.client("iam")
    boundary = iam.create_policy(PolicyName="boundary", PolicyDocument=json.dumps(allow("*")))["Policy"]["Arn"]
    iam.create_user(UserName="anna", PermissionsBoundary=boundary)
    iam.put_user_policy(UserName="anna", PolicyName="own", PolicyDocument=json.dumps(allow("s3:GetObject")))
    iam.create_group(GroupName="readers")
    iam.put_group_policy(GroupName="readers", PolicyName="shared", PolicyDocument=json.dumps(allow("appsync:GraphQL")))
    iam.add_user_to_group(GroupName="readers", UserName="anna")
    key = iam.create_access_key(UserName="anna")["AccessKey"]

    status, found = principal(mended, key["AccessKeyId"])

    assert (status, found["root"]) == (200, False)
    assert found["arn"] == "arn:aws:iam::000000000000:user/anna"
    assert found["policies"] == [allow("s3:GetObject"), allow("appsync:GraphQL")]
    assert found["limits"] == [[allow("*")]]
    iam.update_access_key(UserName="anna", AccessKeyId=key["AccessKeyId"], Status="Inactive")
    assert principal(mended, key["AccessKeyId"])[0] == 404


def test_the_account_itself_is_root(mended: Server) -> None:
    assert principal(mended, "test") == (
        200,
        {
            "secretAccessKey": "test",
            "arn": "arn:aws:iam::000000000000:root",
            "accountId": "000000000000",
            "userId": "000000000000",
            "root": True,
            "policies": [],
            "limits": [],
        },
    )


def test_an_unknown_internal_endpoint_says_so(mended: Server) -> None:
    status, body = mended.get("/_headwater/nothing")
    assert status == 404
    assert json.loads(body)["message"] == "No GET /_headwater/nothing here."


def test_another_version_is_refused_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launcher, "version", lambda _: "1.5.34")
    problem = launcher.check_version()
    assert problem is not None
    assert "MiniStack 1.5.33 is needed, installed is 1.5.34" in problem
    assert "make install" in problem


@contract
def test_policies_and_signatures_count(server: Server) -> None:
    iam = server.client("iam")
    iam.create_user(UserName="limited")
    iam.put_user_policy(UserName="limited", PolicyName="own", PolicyDocument=json.dumps(allow("sqs:ListQueues")))
    key = iam.create_access_key(UserName="limited")["AccessKey"]
    credentials = {"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]}

    queues = server.client("sqs", **credentials)
    forger = server.client("sqs", **credentials | {"aws_secret_access_key": "wrong"})

    assert queues.list_queues()
    with pytest.raises(ClientError, match="AccessDenied"):
        queues.create_queue(QueueName="denied")
    with pytest.raises(ClientError, match="Signature"):
        forger.list_queues()
