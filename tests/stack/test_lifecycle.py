"""Start, stop, crash and restart, as the run interface promises."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.stack.instance import PROJECT, STOP_SECONDS, Instance, eventually, free_ports

pytestmark = pytest.mark.stack

TEXTS = """query ($room: ID!) { messages(roomId: $room, order: OLDEST_FIRST) { items { text } } }"""


def texts(instance: Instance, room: str) -> list[str]:
    return [item["text"] for item in instance.graphql(TEXTS, room=room)["data"]["messages"]["items"]]


def processes_of(state: Path) -> list[str]:
    """Command lines of live processes that carry this state directory in arguments or environment."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            about = (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
            state_now = (process / "stat").read_text().rsplit(")", 1)[1].split()[0]
        except OSError:
            continue
        if str(state).encode() in about and state_now != "Z" and process.name != str(os.getpid()):
            found.append(about[:200].decode(errors="replace"))
    return found


def test_stop_crash_and_restart_keep_the_data(tmp_path: Path) -> None:
    instance = Instance(tmp_path / "state")
    instance.start()
    try:
        instance.send("lobby", "before the stop")
        assert instance.stop(signal.SIGINT) < STOP_SECONDS
        assert not (instance.state / "outputs.json").exists()
        assert eventually(lambda: not processes_of(instance.state)), processes_of(instance.state)

        instance.start()
        assert texts(instance, "lobby") == ["before the stop"]
        key = instance.outputs["apiKey"]
        instance.send("lobby", "before the crash")
        saved = instance.state / "outputs.json"
        assert saved.exists()
        # The promise is a save that is at most two seconds old.
        written = os.times().elapsed
        eventually(lambda: os.times().elapsed - written > 3)
        instance.kill()
        assert eventually(lambda: not processes_of(instance.state)), processes_of(instance.state)

        instance.start()
        assert texts(instance, "lobby") == ["before the stop", "before the crash"]
        assert instance.outputs["apiKey"] == key
    finally:
        if instance.process and instance.process.poll() is None:
            instance.stop()


def test_two_instances_run_side_by_side(instance: Instance, tmp_path: Path) -> None:
    second = Instance(tmp_path / "second")
    second.start()
    try:
        second.send("only-there", "hello")
        assert texts(second, "only-there") == ["hello"]
        assert texts(instance, "only-there") == []
    finally:
        assert second.stop() < STOP_SECONDS


def test_a_second_instance_on_the_same_state_is_refused(instance: Instance) -> None:
    answer = command(instance.environment | free_ports())
    assert answer.returncode == 1
    assert "another instance" in answer.stderr
    assert "HEADWATER_STATE" in answer.stderr
    assert (instance.state / "outputs.json").exists()


@pytest.mark.parametrize("variable", ["HEADWATER_PORT", "HEADWATER_AWS_PORT", "HEADWATER_MQTT_PORT"])
def test_a_taken_port_names_the_variable_to_change(tmp_path: Path, variable: str) -> None:
    environment = free_ports() | {"HEADWATER_STATE": str(tmp_path / "state")}
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", int(environment[variable])))
        taken.listen()
        answer = command(environment)
    assert answer.returncode == 1
    assert environment[variable] in answer.stderr
    assert variable in answer.stderr


def test_a_bad_setting_names_the_variable(tmp_path: Path) -> None:
    answer = command({"HEADWATER_PORT": "many", "HEADWATER_STATE": str(tmp_path)})
    assert answer.returncode == 2
    assert "HEADWATER_PORT" in answer.stderr


def test_when_the_local_cloud_dies_the_instance_says_so_and_ends(tmp_path: Path) -> None:
    instance = Instance(tmp_path / "state")
    instance.start()
    children = Path(f"/proc/{instance.outputs['pid']}/task/{instance.outputs['pid']}/children").read_text().split()
    cloud = next(pid for pid in children if b"local.ministack" in Path(f"/proc/{pid}/cmdline").read_bytes())
    os.kill(int(cloud), signal.SIGKILL)
    assert instance.process
    assert instance.process.wait(STOP_SECONDS + 5) == 1
    assert "local cloud" in instance.log.read_text()
    assert not (instance.state / "outputs.json").exists()


def command(environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "local", "up"],
        cwd=PROJECT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
