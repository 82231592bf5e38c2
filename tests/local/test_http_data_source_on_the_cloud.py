"""Signed requests of an HTTP data source to AWS's hosts, answered by the local cloud under the rights of its role."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from local.appsync.datasources.http import HttpDataSource, Signing
from local.cloud import Cloud
from local.endpoints import local_address
from local.roles import Roles
from tests.local.appsync.datasources.contexts import context
from tests.local.ministack.servers import free_port

SQS_REQUEST = {
    "method": "POST",
    "resourcePath": "/000000000000/q",
    "params": {
        "headers": {"Content-Type": "application/x-www-form-urlencoded"},
        "body": "Action=SendMessage&MessageBody=hello&Version=2012-11-05",
    },
}
STATES_REQUEST = {
    "method": "POST",
    "resourcePath": "/",
    "params": {
        "headers": {
            "Content-Type": "application/x-amz-json-1.0",
            "X-Amz-Target": "AWSStepFunctions.ListStateMachines",
        },
        "body": {"maxResults": 5},
    },
}


def document(**statement: Any) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **statement}]})


def source(cloud: Cloud, host: str, service: str, role_arn: str) -> HttpDataSource:
    return HttpDataSource(
        local_address(f"https://{host}", aws=cloud.endpoint, data_plane="http://127.0.0.1:9"),
        signing=Signing(role_arn, "us-east-1", service),
        credentials=lambda role: Roles(cloud).credentials(role, "arn:aws:appsync:us-east-1:000000000000:apis/a"),
    )


async def test_services_are_called_with_the_rights_of_the_role(tmp_path: Path) -> None:
    cloud = Cloud(port=free_port(), mqtt_port=0, state=tmp_path)
    try:
        await cloud.start()
        sqs, iam = cloud.client("sqs"), cloud.client("iam")
        queue_url = sqs.create_queue(QueueName="q")["QueueUrl"]
        trust = document(Principal={"Service": "appsync.amazonaws.com"}, Action="sts:AssumeRole")
        role = iam.create_role(RoleName="r", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
        queues = source(cloud, "sqs.us-east-1.amazonaws.com", "sqs", role)
        workflows = source(cloud, "states.us-east-1.amazonaws.com", "states", role)

        for http, request in ((queues, SQS_REQUEST), (workflows, STATES_REQUEST)):
            refused = await http.call(request, context())
            assert refused["statusCode"] in (400, 403)
            assert "AccessDenied" in refused["body"]

        policy = document(Action=["sqs:SendMessage", "states:ListStateMachines"], Resource="*")
        iam.put_role_policy(RoleName="r", PolicyName="p", PolicyDocument=policy)
        assert (await queues.call(SQS_REQUEST, context()))["statusCode"] == 200
        [message] = sqs.receive_message(QueueUrl=queue_url, WaitTimeSeconds=5)["Messages"]
        assert message["Body"] == "hello"
        found = await workflows.call(STATES_REQUEST, context())
        assert (found["statusCode"], json.loads(found["body"])) == (200, {"stateMachines": []})
    finally:
        await cloud.stop()
