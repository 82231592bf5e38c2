"""The instance under attack as both sides know it: the people who use it, the keys behind it, and what it logs."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from tests.contract.api import Answer, Api
from tests.contract.signing import Signer
from tests.stack.instance import Instance, eventually

PASSWORD = "Secret-Word-42"
ME = "{ me { id name } }"


@dataclass(frozen=True)
class Person:
    """A user of the pool, signed in. `id` is their `sub`."""

    name: str
    id: str
    id_token: str
    access_token: str
    refresh_token: str

    @property
    def headers(self) -> dict[str, str]:
        """What they send with a request."""
        return {"authorization": self.id_token}


class Target:
    """The instance, its API, and people: `ann`, `bob`, and `opal`, an operator."""

    def __init__(self, instance: Instance) -> None:
        outputs = instance.outputs
        self.instance = instance
        self.region: str = outputs["region"]
        self.pool_id: str = outputs["userPoolId"]
        self.client_id: str = outputs["userPoolClientId"]
        self.api = Api(outputs["graphql"], outputs["realtime"], outputs["apiKey"])
        self.cognito = instance.client("cognito-idp")

    @cached_property
    def ann(self) -> Person:
        """A user of no group."""
        return self.person("ann")

    @cached_property
    def bob(self) -> Person:
        """Another user of no group."""
        return self.person("bob")

    @cached_property
    def opal(self) -> Person:
        """An operator."""
        return self.person("opal", "operators")

    def person(self, name: str, *groups: str) -> Person:
        """A new user of the pool whose name begins with `name`."""
        name = f"{name}-{uuid.uuid4().hex[:8]}"
        mail = [{"Name": "email", "Value": f"{name}@example.com"}, {"Name": "email_verified", "Value": "true"}]
        pool = {"UserPoolId": self.pool_id, "Username": name}
        self.cognito.admin_create_user(**pool, MessageAction="SUPPRESS", UserAttributes=mail)
        self.cognito.admin_set_user_password(**pool, Password=PASSWORD, Permanent=True)
        for group in groups:
            self.cognito.admin_add_user_to_group(**pool, GroupName=group)
        tokens = self.sign_in(name, self.client_id)
        [me] = [self.api.run(ME, headers={"authorization": tokens["IdToken"]}).data["me"]]
        return Person(name, me["id"], tokens["IdToken"], tokens["AccessToken"], tokens["RefreshToken"])

    def sign_in(self, name: str, client_id: str) -> dict[str, str]:
        """The tokens that a user gets at an app client."""
        parameters = {"USERNAME": name, "PASSWORD": PASSWORD}
        answer = self.cognito.initiate_auth(
            ClientId=client_id, AuthFlow="USER_PASSWORD_AUTH", AuthParameters=parameters
        )
        tokens: dict[str, str] = answer["AuthenticationResult"]
        return tokens

    def signer(self, *fields: str) -> Signer:
        """A new IAM user with the right to these fields (`Query/fields/room`) of any API here."""
        iam, name = self.instance.client("iam"), f"iam-{uuid.uuid4().hex[:8]}"
        iam.create_user(UserName=name)
        if fields:
            statement = {
                "Effect": "Allow",
                "Action": "appsync:GraphQL",
                "Resource": [f"arn:aws:appsync:*:*:apis/*/types/{field}" for field in fields],
            }
            document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
            iam.put_user_policy(UserName=name, PolicyName="fields", PolicyDocument=document)
        key = iam.create_access_key(UserName=name)["AccessKey"]
        return Signer(key["AccessKeyId"], key["SecretAccessKey"], None, self.region)

    def ask(self, authorization: str, query: str = ME) -> Answer:
        """A request with this `Authorization`."""
        return self.api.run(query, headers={"authorization": authorization})

    # What the instance logs.

    def refused(self, attack: Callable[[], Answer]) -> tuple[Answer, dict[str, Any]]:
        """The answer to an attack, and the one line that `logs/refusals.log` got by it."""
        log = self.instance.state / "logs" / "refusals.log"
        before = len(log.read_bytes()) if log.exists() else 0
        answer = attack()
        text = eventually(lambda: log.read_bytes()[before:] if log.exists() else b"").decode()
        assert text.count("\n") == 1, text
        line: dict[str, Any] = json.loads(text)
        return answer, line

    def function_logs(self) -> dict[str, bytes]:
        """What functions have logged so far, by file name."""
        return {file.name: file.read_bytes() for file in (self.instance.state / "logs").glob("headwater-*.log")}


def whole_refusal(answer: Answer) -> Mapping[str, Any]:
    """Status and error of a request that was refused before any field ran."""
    assert "data" not in answer.json, answer.body
    return {"status": answer.status, "type": answer.error["errorType"], "message": answer.error["message"]}
