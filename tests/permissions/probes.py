"""Small scenarios, each through the API of a running instance, that together use what the roles may do.

A probe names the roles whose rights it stands and falls with. Those of others it only sets off: a message that is sent
is pushed by the publisher, but sending succeeds without.
"""

from __future__ import annotations

import base64
import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.contract.api import Api
from tests.contract.realtime import session
from tests.stack.instance import Instance, eventually

PASSWORD = "Secret-Word-42"
SEND = "mutation ($input: SendMessageInput!) { sendMessage(input: $input) { id } }"
ROOM = "subscription ($room: ID!) { onMessages(roomId: $room) { items { message { id } } } }"
SECONDS = 8.0


@dataclass(frozen=True)
class User:
    """A user of the pool, signed in."""

    name: str
    id: str
    token: str


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
        token = answer["AuthenticationResult"]["IdToken"]
        claims = token.split(".")[1]
        subject = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))["sub"]
        return User(name, subject, token)

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


def send(world: World) -> None:
    """A message is stored."""
    world.send()


def send_as_user(world: World) -> None:
    """A signed-in user's message is stored, with the note that deletion needs."""
    world.send(world.user())


def send_again(world: World) -> None:
    """A mutation is repeated."""
    again = str(uuid.uuid4())
    assert world.send(clientMutationId=again) == world.send(clientMutationId=again)


def read(world: World) -> None:
    """What was sent is read."""
    sent = world.send()
    query = "query ($room: ID!) { messages(roomId: $room) { items { id } } }"
    assert world.run(query, room=world.room)["messages"]["items"] == [{"id": sent}]


def show_room(world: World) -> None:
    """A room is found by its id."""
    assert world.run("query ($room: ID!) { room(id: $room) { id } }", room=world.room) == {"room": None}


def list_rooms(world: World) -> None:
    """Rooms are listed."""
    assert world.run("{ rooms { nextToken } }")["rooms"]


def push(world: World) -> None:
    """A message is pushed to the room, and can be caught up."""
    with session(world.api) as socket:
        socket.subscribe(ROOM, {"room": world.room})
        sent = world.send()
        assert socket.event()["data"]["onMessages"]["items"] == [{"message": {"id": sent}}]


def catch_up(world: World) -> None:
    """Changes are asked for."""
    query = "query ($room: ID!) { messageChanges(roomId: $room, after: 0) { headSeq } }"
    assert world.run(query, room=world.room)["messageChanges"]["headSeq"] == 0


def me(world: World) -> None:
    """A user sees what is theirs, and whose profile is missing gets one."""
    user = world.user()
    assert world.run("{ me { id groups } }", user)["me"]["id"] == user.id


def update_profile(world: World) -> None:
    """A profile is changed, twice with one id."""
    query = "mutation ($input: UpdateProfileInput!) { updateProfile(input: $input) { displayName } }"
    user, changes = world.user(), {"displayName": "Ada", "clientMutationId": "once"}
    for _ in range(2):
        assert world.run(query, user, input=changes)["updateProfile"] == {"displayName": "Ada"}


def profile_push(world: World) -> None:
    """A change of a profile is pushed to its user, and can be caught up."""
    user = world.user()
    header = {"host": world.api.host, "Authorization": user.token}
    with session(world.api, header) as socket:
        socket.subscribe("subscription { onUser { userId } }", headers=header)
        world.run('mutation { updateProfile(input: {displayName: "Eve"}) { displayName } }', user)
        assert socket.event()["data"]["onUser"]["userId"] == user.id


def user_changes(world: World) -> None:
    """Changes of a profile are asked for."""
    assert world.run("{ userChanges(after: 0) { headSeq } }", world.user())["userChanges"]["headSeq"] == 0


def list_users(world: World) -> None:
    """An operator sees the users."""
    assert world.run("{ users { items { id } } }", world.user("operators"))["users"]["items"]


def set_groups(world: World) -> None:
    """An operator puts a user into a group and takes them out of another."""
    query = 'mutation ($id: ID!) { setUserGroups(id: $id, groups: ["sellers"]) { groups } }'
    other = world.user("operators")
    assert world.run(query, world.user("operators"), id=other.id)["setUserGroups"] == {"groups": ["sellers"]}


def sign_out(world: World) -> None:
    """A user signs out everywhere."""
    user = world.user()
    assert world.run("mutation { signOut { userId } }", user)["signOut"] == {"userId": user.id}


def delete_user(world: World) -> None:
    """A user who wrote something is deleted, and the message is nobody's."""
    user = world.user()
    world.send(user)

    def done() -> bool:
        return bool(world.run("mutation { deleteUser { done } }", user)["deleteUser"]["done"])

    assert eventually(done, SECONDS)
    [item] = world.run("query ($room: ID!) { messages(roomId: $room) { items { author } } }", room=world.room)[
        "messages"
    ]["items"]
    assert item["author"] != user.name


def auth_key(world: World) -> None:
    """An operator makes a key twice with one id, lists keys, and revokes it."""
    made = """mutation ($input: CreateAuthKeyInput!) {
        createAuthKey(input: $input) { key authKey { id } } }"""
    wanted = {"name": "probe", "scopes": ["READ"], "clientMutationId": str(uuid.uuid4())}
    operator = world.user("operators")
    first, again = (world.run(made, operator, input=wanted)["createAuthKey"] for _ in range(2))
    assert (first["authKey"], again["key"]) == (again["authKey"], None)
    identifier = first["authKey"]["id"]

    def listed() -> bool:
        return {"id": identifier} in world.run("{ authKeys { items { id } } }", operator)["authKeys"]["items"]

    assert eventually(listed, SECONDS)
    ended = world.run("mutation ($id: ID!) { revokeAuthKey(id: $id) { id } }", operator, id=identifier)
    assert ended == {"revokeAuthKey": {"id": identifier}}


def use_auth_key(world: World) -> None:
    """A program reads with its key."""
    made = "mutation ($input: CreateAuthKeyInput!) { createAuthKey(input: $input) { key } }"
    wanted = {"name": "probe", "scopes": ["READ"]}
    key = world.run(made, world.user("operators"), input=wanted)["createAuthKey"]["key"]
    assert world.api.run("{ rooms { nextToken } }", headers={"authorization": key}).data["rooms"]


def sign_up(world: World) -> None:
    """The pool's trigger makes a profile."""
    name = f"user-{uuid.uuid4().hex[:8]}"
    mail = [{"Name": "email", "Value": f"{name}@example.com"}]
    world.cognito.sign_up(ClientId=world.client, Username=name, Password=PASSWORD, UserAttributes=mail)
    world.cognito.admin_confirm_sign_up(UserPoolId=world.pool, Username=name)


def park(world: World) -> None:
    """A record that cannot be shown is parked, announced, listed, and given up by an operator."""
    table, identifier = world.instance.resources("AWS::DynamoDB::Table")["MainTable"], uuid.uuid4().hex
    key = {"pk": {"S": f"MESSAGES#{world.room}#2026-01-01T00#0"}, "sk": {"S": f"0000000000001#{identifier}"}}
    world.instance.client("dynamodb").put_item(TableName=table, Item={**key, "text": {"M": {}}})

    def mine() -> list[dict[str, Any]]:
        items = world.publisher("parked.list")["items"]
        return [each for each in items if f"room:{world.room}" in each["topics"]]

    [found] = eventually(mine, SECONDS)
    [record] = world.publisher("parked.show", id=found["id"])["items"]
    world.publisher("parked.discard", id=found["id"], eventId=record["eventId"])
    assert eventually(lambda: not mine(), SECONDS)


@dataclass(frozen=True)
class Probe:
    """A scenario and the roles that it needs."""

    run: Callable[[World], None]
    roles: frozenset[str]

    @property
    def name(self) -> str:
        """The scenario's name."""
        return self.run.__name__


_CHAT = ("ChatRole", "ChatDataSourceRole")
_USERS = ("UsersRole", "UsersDataSourceRole")
_PROBES: dict[Callable[[World], None], tuple[str, ...]] = {
    send: _CHAT,
    send_as_user: _CHAT,
    send_again: _CHAT,
    read: _CHAT,
    show_room: ("RoomsDataSourceRole",),
    list_rooms: ("RoomsDataSourceRole",),
    push: (*_CHAT, "PublishRole"),
    catch_up: _CHAT,
    me: _USERS,
    update_profile: _USERS,
    profile_push: (*_USERS, "PublishRole"),
    user_changes: _USERS,
    list_users: _USERS,
    set_groups: _USERS,
    sign_out: _USERS,
    delete_user: (*_CHAT, *_USERS),
    auth_key: ("AuthKeysRole", "AuthKeysDataSourceRole"),
    use_auth_key: ("AuthKeysRole", "AuthKeysDataSourceRole", "AuthorizerRole"),
    sign_up: ("CreateProfileRole",),
    park: ("PublishRole",),
}
PROBES = tuple(Probe(run, frozenset(roles)) for run, roles in _PROBES.items())
