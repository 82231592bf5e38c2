"""Data sources on the local cloud act as their own roles, and what these miss fails as on AWS."""

from __future__ import annotations

import asyncio
import io
import json
import zipfile
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from local.appsync.datasources import DataSource, DataSourceError, Invocation, build
from local.appsync.datasources.http import Address
from local.appsync.definition import ApiDefinition, AuthMode, AuthProvider, DataSourceDefinition
from local.cloud import Cloud
from local.functions import Invocation as FunctionsInvocation
from local.roles import NotPermitted, Roles
from tests.local.appsync.datasources.contexts import context
from tests.local.ministack.servers import free_port

API_ARN = "arn:aws:appsync:us-east-1:000000000000:apis/a"
API = ApiDefinition("a", API_ARN, "name", "us-east-1", "000000000000", "", (AuthProvider(AuthMode.API_KEY),))
TABLE = "arn:aws:dynamodb:us-east-1:000000000000:table/items"
FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:f"
BUS = "arn:aws:events:us-east-1:000000000000:event-bus/default"
GET = {"operation": "GetItem", "key": {"id": {"S": "a"}}}
CONFIGS = {
    "AMAZON_DYNAMODB": {"TableName": "items"},
    "AWS_LAMBDA": {"LambdaFunctionArn": FUNCTION},
    "AMAZON_EVENTBRIDGE": {"EventBusArn": BUS},
}


class Deployed:
    """A cloud with a table, a function, and roles that a test gives rights."""

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        self.roles = Roles(cloud)
        self.invoked = 0

    async def invoke(self, function_arn: str, event: bytes) -> Invocation:
        assert function_arn == FUNCTION
        self.invoked += 1
        return FunctionsInvocation(event, None, b"")

    def role(self, name: str, *statements: dict[str, Any], service: str = "appsync.amazonaws.com") -> str:
        """A role with a policy; a statement's Effect is Allow."""
        iam = self.cloud.client("iam")
        trust = document({"Principal": {"Service": service}, "Action": "sts:AssumeRole"})
        arn: str = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)["Role"]["Arn"]
        if statements:
            iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=document(*statements))
        return arn

    def source(self, kind: str, role: str) -> DataSource:
        """A data source with a role."""
        definition = DataSourceDefinition("Source", kind, CONFIGS[kind], role)
        return build(definition, api=API, invoke=self.invoke, roles=self.roles, locate=Address, secret=b"s")

    async def error(self, kind: str, role: str, request: Any) -> tuple[str, str]:
        """Type and message of what a request fails with."""
        with pytest.raises(DataSourceError) as raised:
            await self.source(kind, role).call(request, context())
        return raised.value.type, raised.value.message


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def deployed(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Deployed]:
    cloud = Cloud(port=free_port(), mqtt_port=0, state=tmp_path_factory.mktemp("roles"))
    await cloud.start()
    try:
        await asyncio.to_thread(_make, cloud)
        yield Deployed(cloud)
    finally:
        await cloud.stop()


def _make(cloud: Cloud) -> None:
    cloud.client("dynamodb").create_table(
        TableName="items",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
    )
    trust = document({"Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"})
    role = cloud.client("iam").create_role(RoleName="of-f", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as code:
        code.writestr("handler.py", "")
    cloud.client("lambda").create_function(
        FunctionName="f",
        Runtime="python3.11",
        Role=role,
        Handler="handler.handle",
        Code={"ZipFile": archive.getvalue()},
    )


def document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **each} for each in statements]})


pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_dynamodb_needs_the_action_on_the_table(deployed: Deployed) -> None:
    role = deployed.role("reader", {"Action": "dynamodb:GetItem", "Resource": TABLE})
    assert await deployed.source("AMAZON_DYNAMODB", role).call(GET, context()) is None

    kind, message = await deployed.error("AMAZON_DYNAMODB", role, {"operation": "PutItem", "key": GET["key"]})

    assert kind == "DynamoDB:DynamoDbException"
    assert message.startswith(
        "User: arn:aws:sts::000000000000:assumed-role/reader/APPSYNC_ASSUME_ROLE is not authorized to perform: "
        f"dynamodb:PutItem on resource: {TABLE} because no identity-based policy allows the dynamodb:PutItem action "
        "(Service: DynamoDb, Status Code: 400, Request ID: "
    )


async def test_dynamodb_needs_the_partition_that_a_condition_names(deployed: Deployed) -> None:
    mine = {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["a"]}}
    role = deployed.role("owner", {"Action": "dynamodb:GetItem", "Resource": TABLE, "Condition": mine})
    assert await deployed.source("AMAZON_DYNAMODB", role).call(GET, context()) is None

    other = {"operation": "GetItem", "key": {"id": {"S": "b"}}}

    assert (await deployed.error("AMAZON_DYNAMODB", role, other))[0] == "DynamoDB:DynamoDbException"


@pytest.mark.parametrize("invocation", ["RequestResponse", "Event"])
async def test_lambda_needs_the_right_to_invoke(deployed: Deployed, invocation: str) -> None:
    request = {"operation": "Invoke", "payload": {"x": 1}, "invocationType": invocation}
    role = deployed.role(f"nobody-{invocation}")
    before = deployed.invoked

    kind, message = await deployed.error("AWS_LAMBDA", role, request)

    assert kind == "Lambda:LambdaException"
    assert message.startswith(
        f"User: arn:aws:sts::000000000000:assumed-role/nobody-{invocation}/APPSYNC_ASSUME_ROLE is not authorized to "
        f"perform: lambda:InvokeFunction on resource: {FUNCTION} because no identity-based policy allows the "
        "lambda:InvokeFunction action (Service: Lambda, Status Code: 403, Request ID: "
    )
    assert deployed.invoked == before

    policy = document({"Action": "lambda:InvokeFunction", "Resource": FUNCTION})
    deployed.cloud.client("iam").put_role_policy(RoleName=f"nobody-{invocation}", PolicyName="p", PolicyDocument=policy)
    deployed.roles.forget()  # as the notification of a change does
    answer = await deployed.source("AWS_LAMBDA", role).call(request, context())
    assert answer == ({"x": 1} if invocation == "RequestResponse" else None)


async def test_eventbridge_needs_the_bus(deployed: Deployed) -> None:
    put = {"operation": "PutEvents", "events": [{"source": "s", "detailType": "t", "detail": {"a": 1}}]}
    role = deployed.role("silent")

    kind, message = await deployed.error("AMAZON_EVENTBRIDGE", role, put)

    assert kind == "EventBridge:EventBridgeException"
    assert f"events:PutEvents on resource: {BUS} because no identity-based policy allows" in message
    assert "(Service: EventBridge, Status Code: 400, Request ID: " in message
    loud = deployed.role("loud", {"Action": "events:PutEvents", "Resource": BUS})
    assert (await deployed.source("AMAZON_EVENTBRIDGE", loud).call(put, context()))["FailedEntryCount"] == 0


@pytest.mark.parametrize(
    ("kind", "request_object"),
    [
        ("AMAZON_DYNAMODB", GET),
        ("AWS_LAMBDA", {"operation": "Invoke", "payload": 1}),
        (
            "AMAZON_EVENTBRIDGE",
            {"operation": "PutEvents", "events": [{"source": "s", "detailType": "t", "detail": {}}]},
        ),
    ],
)
async def test_a_role_that_does_not_trust_appsync_is_of_no_use(
    deployed: Deployed, kind: str, request_object: Any
) -> None:
    name = f"of-another-service-{kind}"
    role = deployed.role(name, {"Action": "*", "Resource": "*"}, service="lambda.amazonaws.com")

    error = await deployed.error(kind, role, request_object)

    assert error == ("UnauthorizedException", f"Unable to assume role {role}")


async def test_the_authorizer_needs_the_function_s_permission(deployed: Deployed) -> None:
    authorizing = deployed.roles.authorizing(deployed.invoke, API_ARN)
    with pytest.raises(NotPermitted, match=f"appsync.amazonaws.com is not authorized .* {FUNCTION}"):
        await authorizing(FUNCTION, b"{}")

    deployed.cloud.client("lambda").add_permission(
        FunctionName="f", StatementId="appsync", Action="lambda:InvokeFunction", Principal="appsync.amazonaws.com",
        SourceArn=API_ARN,
    )  # fmt: skip
    deployed.roles.forget()

    assert (await authorizing(FUNCTION, b"{}")).payload == b"{}"
    with pytest.raises(NotPermitted):
        await deployed.roles.authorizing(deployed.invoke, f"{API_ARN}b")(FUNCTION, b"{}")
