"""Functions as they are deployed to the local cloud, and what follows when they change."""

from __future__ import annotations

import asyncio
import io
import json
import socket
import uuid
import zipfile
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from local.cloud import Cloud
from local.functions import FunctionNotFound, Functions

pytestmark = pytest.mark.asyncio(loop_scope="module")

TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}


def package(**files: str) -> bytes:
    """A zip of `name=content`, as `name.py`; `/` in a name is written `__`."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for name, content in files.items():
            archive.writestr(f"{name.replace('__', '/')}.py", content)
    return data.getvalue()


class Deployment:
    """A cloud and its functions."""

    def __init__(self, cloud: Cloud, functions: Functions) -> None:
        self.cloud = cloud
        self.functions = functions

    async def call(self, service: str, operation: str, **arguments: Any) -> Any:
        """One call of boto3."""
        return await asyncio.to_thread(getattr(self.cloud.client(service), operation), **arguments)

    async def deploy(self, code: str, **settings: Any) -> str:
        """Create a function with a role of its own; returns its name."""
        name = f"function-{uuid.uuid4()}"
        role = await self.call("iam", "create_role", RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST))
        await self.call(
            "lambda", "create_function", FunctionName=name, Role=role["Role"]["Arn"],
            Code={"ZipFile": package(index=code)}, **{"Runtime": "python3.11", "Handler": "index.handler", **settings},
        )  # fmt: skip
        return name

    async def invoke(self, function: str, event: Any = None) -> Any:
        """Invoke and return the result, or the error."""
        return json.loads((await self.functions.invoke(function, json.dumps(event).encode())).payload)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def deployment(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Deployment]:
    """A running cloud with functions."""
    root = tmp_path_factory.mktemp("deployment")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    cloud = Cloud(port=port, mqtt_port=0, state=root)
    functions = Functions(cloud=cloud, state=root, rewrite={"https://api.example": f"http://127.0.0.1:{port}"})
    await cloud.start()
    await functions.start()
    yield Deployment(cloud, functions)
    await functions.stop()
    await cloud.stop()


async def test_a_deployed_function_runs_as_its_role_against_the_local_cloud(deployment: Deployment) -> None:
    code = "import boto3\ndef handler(e, c): return boto3.client('sts').get_caller_identity()['Arn']"
    name = await deployment.deploy(code)
    arn = await deployment.invoke(name)
    assert arn == f"arn:aws:sts::000000000000:assumed-role/{name}/{name}"


async def test_the_cloud_forwards_its_own_invocations(deployment: Deployment) -> None:
    name = await deployment.deploy("def handler(event, context): print('said'); return [event, context.function_name]")
    answer = await deployment.call("lambda", "invoke", FunctionName=name, Payload=b'{"a": 1}', LogType="Tail")
    assert json.loads(answer["Payload"].read()) == [{"a": 1}, name]
    assert answer["StatusCode"] == 200


async def test_the_cloud_reports_errors_with_their_class(deployment: Deployment) -> None:
    name = await deployment.deploy("class Sold(Exception): pass\ndef handler(e, c): raise Sold('out')")
    answer = await deployment.call("lambda", "invoke", FunctionName=name)
    error = json.loads(answer["Payload"].read())
    assert (answer["FunctionError"], error["errorType"], error["errorMessage"]) == ("Unhandled", "Sold", "out")
    assert len(error["stackTrace"]) == 1


async def test_new_code_runs_in_the_next_invocation(deployment: Deployment) -> None:
    name = await deployment.deploy("def handler(e, c): return 1")
    assert await deployment.invoke(name) == 1
    for number in (2, 3):
        code = package(index=f"def handler(e, c): return {number}")
        await deployment.call("lambda", "update_function_code", FunctionName=name, ZipFile=code)
        answer = await deployment.call("lambda", "invoke", FunctionName=name)
        assert json.loads(answer["Payload"].read()) == number


async def test_new_settings_run_in_the_next_invocation(deployment: Deployment) -> None:
    name = await deployment.deploy("import os\ndef handler(e, c): return [os.environ.get('A'), c.memory_limit_in_mb]")
    assert await deployment.invoke(name) == [None, "128"]
    await deployment.call(
        "lambda", "update_function_configuration", FunctionName=name, MemorySize=256,
        Environment={"Variables": {"A": "https://api.example/graphql"}},
    )  # fmt: skip
    answer = await deployment.call("lambda", "invoke", FunctionName=name)
    assert json.loads(answer["Payload"].read()) == [f"{deployment.cloud.endpoint}/graphql", "256"]


async def test_layers_are_importable(deployment: Deployment) -> None:
    content = {"ZipFile": package(python__shared="WHERE = 'layer'")}
    layer = await deployment.call("lambda", "publish_layer_version", LayerName="shared", Content=content)
    code = "import shared\ndef handler(e, c): return shared.WHERE"
    name = await deployment.deploy(code, Layers=[layer["LayerVersionArn"]])
    assert await deployment.invoke(name) == "layer"


async def test_versions_and_aliases_keep_their_code(deployment: Deployment) -> None:
    name = await deployment.deploy("def handler(e, c): return ['one', c.function_version, c.invoked_function_arn[-5:]]")
    await deployment.call("lambda", "publish_version", FunctionName=name)
    await deployment.call("lambda", "create_alias", FunctionName=name, Name="live", FunctionVersion="1")
    assert await deployment.invoke(f"{name}:live") == ["one", "1", ":live"]
    code = package(index="def handler(e, c): return ['two', c.function_version]")
    await deployment.call("lambda", "update_function_code", FunctionName=name, ZipFile=code)
    assert await deployment.invoke(f"{name}:1") == ["one", "1", name[-3:] + ":1"]
    assert await deployment.invoke(name) == ["two", "$LATEST"]


async def test_what_does_not_exist_is_not_found(deployment: Deployment) -> None:
    name = await deployment.deploy("def handler(e, c): return 1")
    for reference in ("nobody", f"{name}:absent"):
        with pytest.raises(FunctionNotFound):
            await deployment.invoke(reference)


async def test_a_deleted_function_is_not_found(deployment: Deployment) -> None:
    name = await deployment.deploy("def handler(e, c): return 1")
    assert await deployment.invoke(name) == 1
    await deployment.call("lambda", "delete_function", FunctionName=name)

    async def until_it_fails() -> None:
        while True:  # the notification of the change may be on its way
            await deployment.invoke(name)

    with pytest.raises(FunctionNotFound):
        await until_it_fails()


async def test_another_runtime_is_refused_by_name(deployment: Deployment) -> None:
    name = await deployment.deploy("", Runtime="nodejs22.x")
    error = await deployment.invoke(name)
    assert error["errorType"] == "NotEmulated"
    assert "nodejs22.x" in error["errorMessage"]
