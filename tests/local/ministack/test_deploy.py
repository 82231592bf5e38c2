"""The real `sam build` and `sam deploy` of a stack with all that was mended: `stack/` beside this file."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from local import template
from local.cloud import Cloud, Resource, Stack
from tests.local.ministack.servers import free_port

STACK = Path(__file__).parent / "stack"
PYTHON = f"PythonRuntime=python3.{sys.version_info.minor}"


class Project:
    """A copy of the stack's sources, built and deployed by the SAM CLI."""

    def __init__(self, directory: Path, endpoint: str) -> None:
        self.directory = directory
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "SAM_"))},
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": "us-east-1",
            "SAM_CLI_POLL_DELAY": "0.2",
            "SAM_CLI_TELEMETRY": "0",
        }

    def sam(self, *arguments: str) -> str:
        """Run the SAM CLI. Raises AssertionError with what it printed."""
        done = subprocess.run(
            [Path(sys.executable).with_name("sam"), *arguments],
            cwd=self.directory,
            env=self._environment,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=120,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    def deploy(self) -> str:
        """Build and deploy."""
        self.sam("build", "--parameter-overrides", PYTHON)
        capabilities = ("CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND")
        options = ("--resolve-s3", "--no-confirm-changeset", "--no-fail-on-empty-changeset")
        return self.sam(
            "deploy",
            "--stack-name",
            "fixture",
            "--capabilities",
            *capabilities,
            *options,
            "--parameter-overrides",
            PYTHON,
        )


def find(stacks: list[Stack], logical_id: str) -> Resource:
    """A resource by its logical id."""
    return next(r for stack in stacks for r in stack.resources if r.logical_id == logical_id)


async def test_a_stack_is_deployed_updated_and_deleted(tmp_path: Path) -> None:
    shutil.copytree(STACK, tmp_path / "stack")
    cloud = Cloud(port=free_port(), mqtt_port=0, state=tmp_path / "state")
    await cloud.start()
    try:
        project = Project(tmp_path / "stack", cloud.endpoint)
        s3, functions, dynamodb = (cloud.client(name) for name in ("s3", "lambda", "dynamodb"))

        def read_s3(bucket: str, key: str) -> bytes:
            body: bytes = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
            return body

        project.deploy()

        stacks = await cloud.resources()
        parent = next(stack for stack in stacks if stack.name == "fixture")
        child = next(stack for stack in stacks if stack.parent == "fixture")
        assert child.parameters["Greeting"] == "hello"
        assert [resource.logical_id for _, resource in template.recorded_only(stacks)] == ["Archive"]
        function = find(stacks, "Function")
        assert functions.get_function(FunctionName=function.physical_id)["Concurrency"]
        mapping = functions.get_event_source_mapping(UUID=find(stacks, "FunctionChanges").physical_id)
        assert (mapping["State"], mapping["MaximumRetryAttempts"]) == ("Disabled", 2)
        [api] = template.api_definitions(stacks, read_s3)
        assert api.schema == (STACK / "schema.graphql").read_text()
        assert api.resolvers["Query.hello"].code == (STACK / "hello.js").read_text()
        assert [api.functions[name].name for name in api.resolvers["Query.hello"].functions] == ["hello"]
        assert api.api_keys[0].id == parent.outputs["ApiKeyValue"]

        assert "No changes to deploy" in project.deploy()

        (tmp_path / "stack" / "function" / "handler.py").write_text("def handle(event, context):\n    return 2\n")
        (tmp_path / "stack" / "hello.js").write_text((STACK / "hello.js").read_text() + "// changed\n")
        before = functions.get_function(FunctionName=function.physical_id)["Configuration"]["CodeSha256"]
        dynamodb.put_item(TableName=parent.outputs["Table"], Item={"pk": {"S": "a"}, "sk": {"S": "b"}})
        project.deploy()

        stacks = await cloud.resources()
        assert functions.get_function(FunctionName=function.physical_id)["Configuration"]["CodeSha256"] != before
        [changed] = template.api_definitions(stacks, read_s3)
        assert changed.resolvers["Query.hello"].code.endswith("// changed\n")  # type: ignore[union-attr]
        assert (changed.id, changed.api_keys, list(changed.functions)) == (api.id, api.api_keys, list(api.functions))
        assert next(stack for stack in stacks if stack.name == "fixture").outputs == parent.outputs
        assert dynamodb.scan(TableName=parent.outputs["Table"])["Count"] == 1

        project.sam("delete", "--stack-name", "fixture", "--no-prompts", "--region", "us-east-1")

        assert dynamodb.list_tables()["TableNames"] == [parent.outputs["Table"]]
        assert dynamodb.scan(TableName=parent.outputs["Table"])["Count"] == 1
        assert functions.list_functions()["Functions"] == []
        assert functions.list_event_source_mappings()["EventSourceMappings"] == []
        assert cloud.client("iam").list_roles()["Roles"] == []
        assert [stack.name for stack in await cloud.resources()] == ["aws-sam-cli-managed-default"]
    finally:
        await cloud.stop()
