"""MiniStack as a child: start and stop, death on both sides, and what it can be asked."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
import textwrap
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from local.cloud import Cloud, CloudError
from tests.local.ministack.servers import PROJECT, free_port, wait_until

TRUST = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}


@contextlib.asynccontextmanager
async def started(state: Path, port: int | None = None) -> AsyncIterator[Cloud]:
    """A running cloud, stopped at the end."""
    cloud = Cloud(port=port or free_port(), mqtt_port=0, state=state)
    try:
        await cloud.start()
        yield cloud
    finally:
        await cloud.stop()


def child(cloud: Cloud) -> int:
    """The process id of the MiniStack child."""
    assert cloud._process is not None
    return cloud._process.pid


def alive(process: int) -> bool:
    """Whether a process runs."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{process}/status")
    return not status.exists() or "State:\tZ" not in status.read_text()


def saved(state: Path) -> bytes:
    """All that the current save holds; nothing when it is exchanged just now."""
    with contextlib.suppress(FileNotFoundError):
        return b"".join(file.read_bytes() for file in (state / "current").iterdir())
    return b""


async def test_state_survives_a_stop_and_nothing_is_left_running(tmp_path: Path) -> None:
    async with started(tmp_path) as cloud:
        cloud.client("sqs").create_queue(QueueName="kept")
        process = child(cloud)
        assert os.getsid(process) != os.getsid(0)
        assert (tmp_path / "ministack.log").stat().st_size > 0
    assert not alive(process)
    async with started(tmp_path) as cloud:
        assert cloud.client("sqs").list_queues()["QueueUrls"]


async def test_two_instances_run_side_by_side(tmp_path: Path) -> None:
    async with started(tmp_path / "one") as one, started(tmp_path / "two") as two:
        one.client("sqs").create_queue(QueueName="only-here")
        assert not two.client("sqs").list_queues().get("QueueUrls")


async def test_a_taken_port_names_the_variable_to_set(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(CloudError, match=rf"Port {port} .* set HEADWATER_AWS_PORT"):
            async with started(tmp_path, port):
                pass


async def test_a_state_in_use_names_the_variable_to_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("local.cloud.PREDECESSOR_SECONDS", 0.1)
    async with started(tmp_path):
        with pytest.raises(CloudError, match=r"in use by another MiniStack.*HEADWATER_STATE"):
            async with started(tmp_path):
                pass


async def test_a_child_that_cannot_start_shows_the_end_of_its_log(tmp_path: Path) -> None:
    (tmp_path / "current").mkdir(parents=True)  # where a link to the current save belongs
    with pytest.raises(CloudError, match=r"(?s)ended with status 1.*ministack\.log:.*IsADirectoryError"):
        async with started(tmp_path):
            pass


async def test_a_killed_child_is_reported_and_the_next_start_works(tmp_path: Path) -> None:
    async with started(tmp_path) as cloud:
        died = asyncio.ensure_future(cloud.died())
        os.kill(child(cloud), signal.SIGKILL)
        assert "MiniStack was killed by SIGKILL" in await asyncio.wait_for(died, 5)
    async with started(tmp_path):
        pass


async def test_a_crash_on_purpose_is_no_death_and_keeps_what_was_saved(tmp_path: Path) -> None:
    async with started(tmp_path) as cloud:
        cloud.client("sqs").create_queue(QueueName="kept")
        await asyncio.to_thread(wait_until, lambda: b"kept" in saved(tmp_path), "the save of the queue")
        died = asyncio.ensure_future(cloud.died())
        before = child(cloud)
        await cloud.crash()
        assert child(cloud) != before
        assert cloud.client("sqs").list_queues()["QueueUrls"]
        assert not died.done()

        os.kill(child(cloud), signal.SIGKILL)  # not on purpose
        assert "MiniStack was killed by SIGKILL" in await asyncio.wait_for(died, 5)


async def test_a_crash_after_which_it_cannot_start_is_a_death(tmp_path: Path) -> None:
    async with started(tmp_path) as cloud:
        died = asyncio.ensure_future(cloud.died())
        current = tmp_path / "current"
        current.rename(tmp_path / "elsewhere")
        current.mkdir()
        with pytest.raises(CloudError, match="ended with status 1"):
            await cloud.crash()
        with pytest.raises(CloudError, match="ended with status 1"):
            await asyncio.wait_for(died, 5)


async def test_a_stop_during_a_crash_leaves_nothing_running(tmp_path: Path) -> None:
    async with started(tmp_path) as cloud:
        crash = asyncio.ensure_future(cloud.crash())
        await asyncio.sleep(0)  # it has begun
    with contextlib.suppress(asyncio.CancelledError):
        await crash
    async with started(tmp_path):
        pass


async def test_a_stop_is_no_death(tmp_path: Path) -> None:
    async with started(tmp_path) as cloud:
        died = asyncio.ensure_future(cloud.died())
    done, _ = await asyncio.wait([died], timeout=0.1)
    assert not done
    died.cancel()


def test_the_aws_configuration_of_the_user_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "config").write_text("[profile mine]\nregion = eu-west-3\nendpoint_url = https://example.com\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_PROFILE", "missing")
    monkeypatch.setenv("AWS_ENDPOINT_URL_SQS", "https://example.com")

    client = Cloud(port=4566, mqtt_port=0, state=tmp_path).client("sqs")

    assert client.meta.endpoint_url == "http://127.0.0.1:4566"
    assert client.meta.region_name == "us-east-1"


RUNNER = """
import asyncio, sys
from pathlib import Path
from local.cloud import Cloud
async def main():
    cloud = Cloud(port=int(sys.argv[1]), mqtt_port=0, state=Path(sys.argv[2]))
    await cloud.start()
    cloud.client("sqs").create_queue(QueueName="kept")
    print(cloud._process.pid, flush=True)
    await asyncio.Event().wait()
asyncio.run(main())
"""


async def test_a_start_right_after_kill_9_of_the_runner_finds_everything(tmp_path: Path) -> None:
    port = free_port()
    command = [sys.executable, "-c", textwrap.dedent(RUNNER), str(port), str(tmp_path)]
    runner = await asyncio.create_subprocess_exec(*command, cwd=PROJECT, stdout=asyncio.subprocess.PIPE)
    assert runner.stdout is not None
    process = int(await runner.stdout.readline())
    assert alive(process)
    runner.kill()
    await runner.wait()
    async with started(tmp_path, port) as cloud:
        assert not alive(process)
        assert cloud.client("sqs").list_queues()["QueueUrls"]


async def test_changes_call_back_on_the_event_loop(tmp_path: Path) -> None:
    async with started(tmp_path) as cloud:
        streams: list[str] = []
        controls: list[str] = []
        cloud.on_stream(streams.append)
        cloud.on_control(controls.append)
        dynamodb = cloud.client("dynamodb")
        await asyncio.to_thread(
            dynamodb.create_table,
            TableName="table",
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
            StreamSpecification={"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"},
        )
        await asyncio.to_thread(dynamodb.put_item, TableName="table", Item={"pk": {"S": "a"}})
        await asyncio.to_thread(cloud.client("iam").create_user, UserName="anna")

        await asyncio.to_thread(wait_until, lambda: streams and controls, "both callbacks")

        assert (streams, controls) == (["table"], ["iam"])


async def test_resources_are_those_of_the_stacks(tmp_path: Path) -> None:
    async with started(tmp_path) as cloud:
        assert await cloud.resources() == []
        body = {
            "Parameters": {"Name": {"Type": "String", "Default": "q"}, "Secret": {"Type": "String", "NoEcho": True}},
            "Resources": {"Queue": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": {"Ref": "Name"}}}},
            "Outputs": {"Url": {"Value": {"Ref": "Queue"}}},
        }
        cloudformation = cloud.client("cloudformation")
        secret = [{"ParameterKey": "Secret", "ParameterValue": "s"}]
        cloudformation.create_stack(StackName="s", TemplateBody=json.dumps(body), Parameters=secret)
        cloudformation.get_waiter("stack_create_complete").wait(StackName="s", WaiterConfig={"Delay": 1})

        [stack] = await cloud.resources()

        assert (stack.name, stack.parent, stack.status) == ("s", None, "CREATE_COMPLETE")
        assert stack.parameters == {"Name": "q"}
        assert stack.resources[0].properties == {"QueueName": "q"}
        assert stack.outputs["Url"] == stack.resources[0].physical_id


async def test_role_credentials_are_cached_and_lead_to_the_role(tmp_path: Path) -> None:
    async with started(tmp_path) as cloud:
        iam = cloud.client("iam")
        policy = {"Version": "2012-10-17", "Statement": [TRUST]}
        arn = iam.create_role(RoleName="r", AssumeRolePolicyDocument=json.dumps(policy))["Role"]["Arn"]

        credentials = await cloud.role_credentials(arn, "session")

        assert await cloud.role_credentials(arn, "session") is credentials
        principal = await cloud.principal(credentials.access_key_id, credentials.session_token)
        assert principal is not None
        assert principal.secret_access_key == credentials.secret_access_key
        assert principal.arn.endswith(":assumed-role/r/session")
        assert await cloud.principal(credentials.access_key_id, "another token") is None
        assert await cloud.principal("AKIAUNKNOWN", None) is None
