"""An instance as the probes of permissions use it: users, operations, and what operators ask functions."""

from __future__ import annotations

import base64
import json
import uuid
from dataclasses import dataclass
from typing import Any

from tests.contract.api import Api
from tests.stack.instance import Instance

PASSWORD = "Secret-Word-42"
SEND = "mutation ($input: SendMessageInput!) { sendMessage(input: $input) { id } }"


@dataclass(frozen=True)
class User:
    """A user of the pool, signed in."""

    name: str
    id: str
    token: str
    access: str


class World:
    """An instance and what probes do there. Making users takes no role's rights."""

    def __init__(self, instance: Instance) -> None:
        outputs = instance.outputs
        self.instance = instance
        self.api = Api(outputs["graphql"], outputs["realtime"], outputs["apiKey"])
        self.pool, self.client = outputs["userPoolId"], outputs["userPoolClientId"]
        self.cognito = instance.client("cognito-idp")
        self.room = f"room-{uuid.uuid4()}"

    def user(self, *groups: str) -> User:
        """A new user."""
        name = f"user-{uuid.uuid4().hex[:8]}"
        mail = [{"Name": "email", "Value": f"{name}@example.com"}, {"Name": "email_verified", "Value": "true"}]
        named = {"UserPoolId": self.pool, "Username": name}
        self.cognito.admin_create_user(**named, MessageAction="SUPPRESS", UserAttributes=mail)
        self.cognito.admin_set_user_password(**named, Password=PASSWORD, Permanent=True)
        for group in groups:
            self.cognito.admin_add_user_to_group(**named, GroupName=group)
        return self.signed_in(name)

    def signed_in(self, name: str) -> User:
        """A user who exists."""
        parameters = {"USERNAME": name, "PASSWORD": PASSWORD}
        answer = self.cognito.initiate_auth(
            ClientId=self.client, AuthFlow="USER_PASSWORD_AUTH", AuthParameters=parameters
        )
        tokens = answer["AuthenticationResult"]
        token = tokens["IdToken"]
        claims = token.split(".")[1]
        subject = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))["sub"]
        return User(name, subject, token, tokens["AccessToken"])

    def profile(self, user: User) -> None:
        """A user's profile, as the trigger of a sign-up makes it."""
        table = self.instance.resources("AWS::DynamoDB::Table")["MainTable"]
        item = {"pk": {"S": f"USER#{user.id}"}, "sk": {"S": "PROFILE"}, "createdAt": {"S": "2026-11-21T12:00:00.000Z"}}
        self.instance.client("dynamodb").put_item(TableName=table, Item=item)

    def others_key(self) -> None:
        """An auth key that somebody has made: who deletes a user looks whether it is theirs."""
        table, key_id = self.instance.resources("AWS::DynamoDB::Table")["MainTable"], "01J0000000000000000000000A"
        listed = {"pk": {"S": "AUTHKEYS"}, "sk": {"S": key_id}}
        item = {"pk": {"S": f"AUTHKEY#{key_id}"}, "sk": {"S": "AUTHKEY"}, "keyId": {"S": key_id}}
        shown = {"name": {"S": "x"}, "scopes": {"L": []}, "createdAt": {"S": "2026-11-21T12:00:00.000Z"}}
        ended = {"validUntil": {"N": "1"}, "createdBy": {"S": "somebody"}}
        for each in (listed, item | shown | ended):
            self.instance.client("dynamodb").put_item(TableName=table, Item=each)

    def run(self, query: str, user: User | None = None, **variables: Any) -> Any:
        """The data of an operation, which must succeed."""
        headers = {"authorization": user.token} if user else None
        return self.api.run(query, variables, headers).data

    def send(self, user: User | None = None, **more: Any) -> str:
        """A message to the world's room; its id."""
        message: str = self.run(SEND, user, input={"roomId": self.room, "text": "hello", **more})["sendMessage"]["id"]
        return message

    def publisher(self, operation: str, **more: Any) -> Any:
        """What the publisher's function answers an operator."""
        name = next(
            each for logical, each in self.instance.resources("AWS::Lambda::Function").items()
            if logical == "PublishFunction"
        )  # fmt: skip
        payload = json.dumps({"operation": operation, **more})
        answer = self.instance.client("lambda").invoke(FunctionName=name, Payload=payload)
        found = json.load(answer["Payload"])
        assert "FunctionError" not in answer, found
        return found
