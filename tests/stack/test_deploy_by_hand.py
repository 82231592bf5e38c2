"""The README's commands for AWS, against the local cloud: deploy, deploy again, delete."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from tests.stack.instance import PROJECT, Instance, resources

pytestmark = pytest.mark.stack

STACK = "by-hand"


def sam(instance: Instance, build: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    runtime = f"PythonRuntime=python3.{sys.version_info.minor}"
    architecture = "Architecture=" + ("arm64" if platform.machine() in {"arm64", "aarch64"} else "x86_64")
    parameters = ["--parameter-overrides", runtime, architecture] if arguments[0] != "delete" else []
    return subprocess.run(
        ["sam", *arguments, *parameters],
        cwd=PROJECT,
        env={
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "AWS_ENDPOINT_URL": instance.outputs["aws"],
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_CONFIG_FILE": os.devnull,
            "SAM_CLI_TELEMETRY": "0",
            "SAM_CLI_POLL_DELAY": "0.2",
        },
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_deploy_twice_and_delete_leaves_the_retained_tables(instance: Instance, tmp_path: Path) -> None:
    build = tmp_path / "build"
    built = sam(instance, build, "build", "--build-dir", str(build))
    assert built.returncode == 0, built.stderr
    deploy = (
        "deploy", "--template-file", str(build / "template.yaml"), "--stack-name", STACK, "--resolve-s3",
        "--no-confirm-changeset", "--no-fail-on-empty-changeset",
        "--capabilities", "CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND",
    )  # fmt: skip
    first = sam(instance, build, *deploy)
    assert first.returncode == 0, first.stdout + first.stderr
    made = set(resources(instance, STACK, "AWS::DynamoDB::Table").values())
    # Counters of the last minute are worth nothing without the API that they limit.
    tables = {name for name in made if "RateLimits" not in name}
    assert len(made - tables) == 1
    functions = set(resources(instance, STACK, "AWS::Lambda::Function").values())
    assert len(tables) >= 2
    assert functions

    second = sam(instance, build, *deploy)
    assert second.returncode == 0
    assert "No changes to deploy" in second.stdout + second.stderr

    cloudformation = instance.client("cloudformation")
    cloudformation.delete_stack(StackName=STACK)
    cloudformation.get_waiter("stack_delete_complete").wait(StackName=STACK, WaiterConfig={"Delay": 1})
    assert made & set(instance.client("dynamodb").list_tables()["TableNames"]) == tables
    left = {function["FunctionName"] for function in instance.client("lambda").list_functions()["Functions"]}
    assert not functions & left
    stacks = {stack["StackName"] for stack in cloudformation.describe_stacks()["Stacks"]}
    assert not {name for name in stacks if name.startswith(STACK)}
    # The first stack is untouched and still serves.
    instance.send("lobby", "still here")
