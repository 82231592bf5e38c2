"""A deployed API behind a user pool and a Lambda authorizer, with tokens as the local Cognito makes them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.stack.instance import PROJECT, Instance
from tests.stack.judge import Breakable

pytestmark = pytest.mark.stack

TEMPLATE = Path(__file__).with_name("authorization") / "template.yaml"
PASSWORD = "Secret-Word-42"
QUERY = "query Who { me { mode name groups } admins { name } }"


class Deployed:
    """The instance and its outputs; users exist with the names `ann`, an admin, and `bob`."""

    def __init__(self, instance: Instance) -> None:
        self.instance = instance
        self.cognito = instance.client("cognito-idp")
        stacks = instance.client("cloudformation").describe_stacks(StackName=instance.outputs["stack"])["Stacks"]
        self.outputs = {output["OutputKey"]: output["OutputValue"] for output in stacks[0]["Outputs"]}
        pool = {"UserPoolId": self.outputs["UserPoolId"]}
        for name in ("ann", "bob"):
            self.cognito.admin_create_user(**pool, Username=name, MessageAction="SUPPRESS")
            self.cognito.admin_set_user_password(**pool, Username=name, Password=PASSWORD, Permanent=True)
        self.cognito.admin_add_user_to_group(**pool, Username="ann", GroupName="Admins")

    def tokens(self, name: str, client: str = "AppId") -> dict[str, str]:
        """What signing in gives: IdToken, AccessToken, RefreshToken."""
        found: dict[str, str] = self.cognito.admin_initiate_auth(
            UserPoolId=self.outputs["UserPoolId"],
            ClientId=self.outputs[client],
            AuthFlow="ADMIN_USER_PASSWORD_AUTH",
            AuthParameters={"USERNAME": name, "PASSWORD": PASSWORD},
        )["AuthenticationResult"]
        return found

    def ask(self, authorization: str, query: str = QUERY) -> Any:
        """The answer's data, or the message of the refusal."""
        answer = self.answer(authorization, query)
        return answer["data"] if isinstance(answer, dict) else answer

    def answer(self, authorization: str, query: str) -> Any:
        """The whole answer, or status and message of the refusal."""
        operation = {"operationName": "Who"} if query == QUERY else {}
        body = json.dumps({"query": query, **operation}).encode()
        headers = {"authorization": authorization}
        request = urllib.request.Request(self.instance.outputs["graphql"], body, headers)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.load(error)["errors"][0]["message"]


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    instance = Instance(tmp_path_factory.mktemp("authorization") / "state", arguments=("--template", str(TEMPLATE)))
    instance.start()
    yield Deployed(instance)
    instance.stop()


@pytest.mark.parametrize("kind", ["IdToken", "AccessToken"])
def test_users_are_let_in_by_both_of_their_tokens(deployed: Deployed, kind: str) -> None:
    mode = "User Pool Authorization"
    ann, bob = (deployed.tokens(name)[kind] for name in ("ann", "bob"))
    admin = {"mode": mode, "name": "ann", "groups": ["Admins"]}
    assert deployed.ask(ann) == {"me": admin, "admins": {"name": "ann"}}
    assert deployed.ask(f"Bearer {bob}") == {"me": {"mode": mode, "name": "bob", "groups": []}, "admins": None}


def test_the_authorizer_decides_on_other_tokens(deployed: Deployed) -> None:
    caller = {"mode": "Lambda Authorization", "name": "Who", "groups": None}
    assert deployed.ask("let me in") == {"me": caller, "admins": None}
    assert deployed.ask("please") == (401, "You are not authorized to make this call.")


def test_a_token_expires_on_purpose(deployed: Deployed) -> None:
    """The fault expired-token (docs/faults.md)."""
    broken = Breakable(deployed.instance)
    ann, bob = (deployed.tokens(name)["IdToken"] for name in ("ann", "bob"))
    broken.set("expired-token", user="ann", count=1)
    assert deployed.ask(bob)["me"]["name"] == "bob"
    assert deployed.ask(ann) == (401, "Token has expired.")
    assert deployed.ask(ann)["me"]["name"] == "ann"
    broken.clear()


def test_tokens_for_another_app_are_refused(deployed: Deployed) -> None:
    refused = (401, "Valid authorization header not provided.")
    assert deployed.ask(deployed.tokens("ann", "OtherAppId")["IdToken"]) == refused
    assert deployed.ask(deployed.tokens("ann")["IdToken"][:-2]) == refused


def command(deployed: Deployed, *arguments: str) -> subprocess.CompletedProcess[str]:
    """`python -m local token` for the instance."""
    return subprocess.run(
        [sys.executable, "-m", "local", "token", *arguments],
        cwd=PROJECT, env={**os.environ, **deployed.instance.environment}, capture_output=True, text=True, timeout=60,
    )  # fmt: skip


@pytest.mark.parametrize("kind", ["--id", "--access"])
def test_the_command_line_s_tokens_are_as_good(deployed: Deployed, kind: str) -> None:
    name = f"zoe-with-{kind.strip('-')}"
    found = command(deployed, "--user", name, "--groups", "Admins,made-by-it", kind)
    assert found.returncode == 0, found.stderr
    identity = {"mode": "User Pool Authorization", "name": name, "groups": ["Admins", "made-by-it"]}
    assert deployed.ask(found.stdout.strip()) == {"me": identity, "admins": {"name": name}}

    expired = command(deployed, "--user", name, kind, "--expires", "-60").stdout.strip()
    assert deployed.ask(expired) == (401, "Token has expired.")


def test_outputs_name_the_pool_and_the_client_that_the_api_takes(deployed: Deployed) -> None:
    outputs = deployed.instance.outputs
    assert outputs["userPoolId"] == deployed.outputs["UserPoolId"]
    assert outputs["userPoolClientId"] == deployed.outputs["AppId"]


def test_a_confirmed_user_has_what_the_trigger_made(deployed: Deployed) -> None:
    pool, client = deployed.outputs["UserPoolId"], deployed.outputs["AppId"]
    mail = [{"Name": "email", "Value": "new@example.com"}]
    deployed.cognito.sign_up(ClientId=client, Username="new", Password=PASSWORD, UserAttributes=mail)
    deployed.cognito.admin_confirm_sign_up(UserPoolId=pool, Username="new")
    assert deployed.ask(deployed.tokens("new")["IdToken"], "{ email }") == {"email": "new@example.com"}


def test_data_sources_and_functions_have_the_rights_of_their_roles_only(deployed: Deployed) -> None:
    token = deployed.tokens("ann")["IdToken"]
    table = "arn:aws:dynamodb:us-east-1:000000000000:table/"

    [by_source] = deployed.answer(token, "{ forget }")["errors"]
    [by_function] = deployed.answer(token, "{ rename }")["errors"]

    assert by_source["errorType"] == "DynamoDB:DynamoDbException"
    assert (
        "/APPSYNC_ASSUME_ROLE is not authorized to perform: dynamodb:DeleteItem on resource: " in by_source["message"]
    )
    assert "because no identity-based policy allows the dynamodb:DeleteItem action" in by_source["message"]
    assert by_function["errorType"] == "ClientError"
    start = "An error occurred (AccessDeniedException) when calling the PutItem operation: User: arn:aws:sts::"
    assert by_function["message"].startswith(start)
    assert f"is not authorized to perform: dynamodb:PutItem on resource: {table}" in by_function["message"]
