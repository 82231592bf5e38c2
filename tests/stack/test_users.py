"""Users on a running instance: their tokens, profiles and live subscriptions, and the end of all three."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import uuid
from typing import Any

import pytest

from tests.stack.instance import PROJECT, Instance, eventually
from tests.stack.users import User, ask, operator, sign_up

pytestmark = pytest.mark.stack

ME = (
    "{ me { id name email groups status enabled deletedAt profile { displayName version attributes { name value } } } }"
)
UPDATE = """mutation ($input: UpdateProfileInput!) { updateProfile(input: $input) {
    id displayName version attributes { name value } } }"""
CHANGE = "seq kind key truncated profile { id displayName version attributes { name value } }"
ON_USER = f"subscription {{ onUser {{ userId topic firstSeq lastSeq items {{ {CHANGE} }} }} }}"
ON_MESSAGES = "subscription ($room: ID!) { onMessages(roomId: $room) { topic items { kind message { author text } } } }"
CHANGES = f"query ($after: Int!) {{ userChanges(after: $after) {{ topic headSeq items {{ {CHANGE} }} }} }}"
SEND = """mutation ($room: ID!, $text: String!) {
    sendMessage(input: {roomId: $room, text: $text}) { id author } }"""
MESSAGES = "query ($room: ID!) { messages(roomId: $room) { items { author text version } } }"
USER = "query ($id: ID!) { user(id: $id) { name email groups } }"
PUBLISH = "mutation ($input: PublishUsersInput!) { publishUsers(input: $input) { topic } }"
SIGN_OUT = "mutation { signOut { userId } }"
DELETE = "mutation ($id: ID) { deleteUser(id: $id) { userId done } }"
DISCONNECT = "mutation ($id: ID!) { disconnectUser(id: $id) { userId } }"
GROUPS = "mutation ($id: ID!, $groups: [String!]!) { setUserGroups(id: $id, groups: $groups) { id groups } }"


@pytest.fixture(scope="module")
def op(instance: Instance) -> User:
    return operator(instance)


@pytest.fixture
def ann(instance: Instance) -> User:
    return sign_up(instance)


@pytest.fixture
def bob(instance: Instance) -> User:
    return sign_up(instance)


def profile_item(instance: Instance, user: User) -> dict[str, Any] | None:
    key = {"pk": {"S": f"USER#{user.id}"}, "sk": {"S": "PROFILE"}}
    table = instance.resources("AWS::DynamoDB::Table")["MainTable"]
    found = instance.client("dynamodb").get_item(TableName=table, Key=key, ConsistentRead=True)
    item: dict[str, Any] | None = found.get("Item")
    return item


# --- who one is ---


def test_confirming_a_sign_up_makes_a_profile_and_both_tokens_show_it(instance: Instance, ann: User) -> None:
    assert profile_item(instance, ann) is not None
    expected = {
        "id": ann.id, "name": ann.name, "email": f"{ann.name}@example.com", "groups": [], "status": "CONFIRMED",
        "enabled": True, "deletedAt": None, "profile": {"displayName": ann.name, "version": 1, "attributes": []},
    }  # fmt: skip
    for kind in ("IdToken", "AccessToken"):
        assert ann.ask(ME, ann.tokens[kind]) == {"data": {"me": expected}}


def test_a_token_of_the_command_line_is_a_users(instance: Instance) -> None:
    name = f"zoe-{uuid.uuid4()}"
    for kind in ("--id", "--access"):
        done = subprocess.run(
            [sys.executable, "-m", "local", "token", "--user", name, "--groups", "sellers", kind],
            cwd=PROJECT, env={**os.environ, **instance.environment}, capture_output=True, text=True, timeout=60,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        answer = ask(instance, done.stdout.strip(), "{ me { name groups profile { version } } }")
        assert answer == {"data": {"me": {"name": name, "groups": ["sellers"], "profile": {"version": 1}}}}


def test_a_message_is_by_its_user(ann: User) -> None:
    room = f"room-{uuid.uuid4()}"
    assert ann.data(SEND, room=room, text="hello")["author"] == ann.name


# --- profiles ---


async def test_a_profile_is_pushed_to_its_user_and_to_nobody_else(ann: User, bob: User) -> None:
    async with ann.listening((ON_USER, {})) as hers, bob.listening((ON_USER, {})) as his:
        changed = {"displayName": "Ann", "attributes": [{"name": "color", "value": "red"}], "version": 1}
        shown = await asyncio.to_thread(ann.data, UPDATE, input=changed)
        envelope = await hers.pushed()
        # The profile's making was numbered before, and may have been pushed to this subscription too.
        while envelope["items"][-1]["profile"]["version"] < 2:
            envelope = await hers.pushed()
        assert await his.silent() or (await asyncio.to_thread(bob.data, CHANGES, after=0))["headSeq"] == 1
    last = envelope["items"][-1]
    assert (envelope["userId"], envelope["topic"], last["profile"]) == (ann.id, f"user:{ann.id}", shown)
    page = await asyncio.to_thread(ann.data, CHANGES, after=0)
    assert page["topic"] == f"user:{ann.id}"
    assert page["items"][-1] == last
    assert [each["seq"] for each in page["items"]] == list(range(1, page["headSeq"] + 1))
    assert {each["profile"]["id"] for each in page["items"]} == {ann.id}


async def test_a_profile_by_any_hand_is_pushed(instance: Instance, ann: User) -> None:
    item = profile_item(instance, ann)
    assert item is not None
    table = instance.resources("AWS::DynamoDB::Table")["MainTable"]
    async with ann.listening((ON_USER, {})) as listener:
        instance.client("dynamodb").put_item(TableName=table, Item=item | {"displayName": {"S": "By hand"}})
        while (await listener.pushed())["items"][-1]["profile"]["displayName"] != "By hand":
            pass


def test_what_concerns_sessions_only_is_not_told(ann: User, op: User) -> None:
    """Since when tokens count is in the profile's item, and nothing that a client is shown."""
    op.data(GROUPS, id=ann.id, groups=["sellers"])
    ann.refresh()
    ann.data(UPDATE, input={"displayName": "Ann"})

    def heads() -> list[dict[str, Any]]:
        page: dict[str, Any] = ann.data(CHANGES, after=0)
        return page["items"] if page["items"] and page["items"][-1]["profile"]["displayName"] == "Ann" else []

    assert [each["kind"] for each in eventually(heads)] == ["INSERT", "MODIFY"]


def test_an_edit_of_an_old_version_is_refused(ann: User) -> None:
    ann.data(UPDATE, input={"displayName": "Ann"})
    answer = ann.ask(UPDATE, input={"displayName": "Anna", "version": 1})
    (error,) = answer["errors"]
    assert (error["errorType"], error["errorInfo"]) == ("VersionConflict", {"field": "input.version", "version": 2})
    assert (error["data"]["displayName"], error["data"]["version"]) == ("Ann", 2)
    assert set(error["data"]) == set(ann.data(UPDATE, input={"displayName": "Ann"}))


# --- others ---


def test_a_user_sees_and_changes_nothing_of_another(instance: Instance, ann: User, bob: User, op: User) -> None:
    instance.client("cognito-idp").admin_add_user_to_group(
        UserPoolId=instance.outputs["userPoolId"], Username=ann.name, GroupName="sellers"
    )
    ann.sign_in()
    for query, variables in (
        (USER, {"id": bob.id}),
        (USER, {"id": str(uuid.uuid4())}),
        ("{ users { items { id } } }", {}),
        (DISCONNECT, {"id": bob.id}),
        (DELETE, {"id": bob.id}),
        (GROUPS, {"id": ann.id, "groups": ["operators"]}),
        (PUBLISH, {"input": {"userId": bob.id, "topic": "user:x", "firstSeq": 1, "lastSeq": 1, "items": []}}),
    ):  # fmt: skip
        answer = ann.ask(query, **variables)
        assert [error["errorType"] for error in answer["errors"]] == ["Unauthorized"], query
        assert list((answer["data"] or {"": None}).values()) == [None], query
        assert instance.graphql(query, **variables)["errors"][0]["errorType"] == "Unauthorized", query
    assert bob.data(ME)["name"] == bob.name
    assert op.data(USER, id=bob.id) == {"name": bob.name, "email": f"{bob.name}@example.com", "groups": []}
    assert op.data(USER, id=str(uuid.uuid4())) is None
    assert op.refusal(DISCONNECT, id=str(uuid.uuid4())) == "NotFound"


def test_operators_see_all_users_page_by_page(ann: User, bob: User, op: User) -> None:
    seen: dict[str, str] = {}
    following: str | None = None
    while True:
        page = op.data(
            "query ($next: String) { users(limit: 2, nextToken: $next) { items { id name } nextToken } }",
            next=following,
        )  # fmt: skip
        seen |= {each["id"]: each["name"] for each in page["items"]}
        following = page["nextToken"]
        if following is None:
            break
    assert seen.items() >= {ann.id: ann.name, bob.id: bob.name, op.id: op.name}.items()


# --- the end of a right ---


async def test_signing_out_ends_tokens_and_live_subscriptions_everywhere(ann: User, bob: User) -> None:
    room = f"room-{uuid.uuid4()}"
    phone = dict(ann.tokens)
    both: list[tuple[str, dict[str, Any]]] = [(ON_USER, {}), (ON_MESSAGES, {"room": room})]
    ann.sign_in()
    async with ann.listening(*both) as laptop, ann.listening(*both) as mobile, bob.listening(*both) as other:
        assert (await asyncio.to_thread(ann.data, SIGN_OUT))["userId"] == ann.id
        await asyncio.to_thread(bob.data, SEND, room=room, text="after")
        assert "onMessages" not in await laptop.end() + await mobile.end()
        assert (await other.pushed())["topic"] in (f"room:{room}", f"user:{bob.id}")
    for token in (*ann.tokens.items(), *phone.items()):
        if token[0] in ("IdToken", "AccessToken"):
            assert ann.ask(ME, token[1])["errors"][0]["errorType"] == "Unauthorized"
            assert ann.ask(SEND, token[1], room=room, text="x")["errors"][0]["errorType"] == "Unauthorized"
    with pytest.raises(Exception, match="NotAuthorizedException"):
        ann.refresh()
    with pytest.raises(AssertionError, match="Unauthorized"):
        async with ann.listening((ON_USER, {})):
            pass
    ann.sign_in()
    assert ann.data(ME)["id"] == ann.id


async def test_a_change_of_groups_ends_what_the_old_tokens_gave(ann: User, op: User) -> None:
    op.data(GROUPS, id=ann.id, groups=["operators"])
    ann.refresh()
    assert ann.data("{ users(limit: 1) { items { id } } }")["items"]
    async with ann.listening((ON_USER, {})) as listener:
        assert await asyncio.to_thread(op.data, GROUPS, id=ann.id, groups=[]) == {"id": ann.id, "groups": []}
        await listener.end()
    assert ann.refusal("{ users(limit: 1) { items { id } } }") == "Unauthorized"
    ann.refresh()
    assert ann.data(ME)["groups"] == []
    assert ann.refusal("{ users(limit: 1) { items { id } } }") == "Unauthorized"


async def test_an_operator_disconnects_a_user_who_may_come_again(ann: User, bob: User, op: User) -> None:
    async with ann.listening((ON_USER, {})) as hers, bob.listening((ON_USER, {})) as his:
        assert (await asyncio.to_thread(op.data, DISCONNECT, id=ann.id))["userId"] == ann.id
        await hers.end()
        await asyncio.to_thread(bob.data, UPDATE, input={"displayName": "Bob"})
        assert (await his.pushed())["userId"] == bob.id
    async with ann.listening((ON_USER, {})) as again:
        await asyncio.to_thread(ann.data, UPDATE, input={"displayName": "Ann"})
        assert (await again.pushed())["userId"] == ann.id


@pytest.mark.parametrize("by", ["the user", "an operator"])
async def test_a_deleted_user_is_gone_and_their_messages_are_nobodys(
    instance: Instance, ann: User, bob: User, op: User, by: str
) -> None:
    room = f"room-{uuid.uuid4()}"
    ann.data(SEND, room=room, text="mine")
    bob.data(SEND, room=room, text="his")
    who = ann if by == "the user" else op
    async with ann.listening((ON_USER, {})) as hers, bob.listening((ON_MESSAGES, {"room": room})) as his:
        assert await asyncio.to_thread(who.data, DELETE, id=ann.id) == {"userId": ann.id, "done": True}
        # Whoever is still there hears that the profile is gone.
        assert set(await hers.end()) <= {"onUser"}
        # The messages from before may have been published after he subscribed.
        while (change := (await his.pushed())["items"][-1])["kind"] == "INSERT":
            pass
        assert change == {"kind": "MODIFY", "message": {"author": "deleted user", "text": "mine"}}
    assert sorted((each["author"], each["text"]) for each in bob.data(MESSAGES, room=room)["items"]) == sorted(
        [(bob.name, "his"), ("deleted user", "mine")]
    )
    assert ann.refusal(ME) == "Unauthorized"
    assert op.data(USER, id=ann.id) is None
    for again in (ann, op):
        assert again.data(DELETE, id=ann.id) == {"userId": ann.id, "done": True}
    with pytest.raises(Exception, match=r"NotAuthorizedException|UserNotFoundException"):
        ann.sign_in()
    item = profile_item(instance, ann)
    assert item is not None
    assert item.keys() == {"pk", "sk", "deletedAt", "deletedAtMs", "expiresAt", "done"}


def test_a_deleted_user_leaves_private_rooms_and_what_they_wrote_there_is_nobodys(ann: User, bob: User) -> None:
    room = bob.data('mutation { createRoom(input: {name: "den", private: true}) { id } }')["id"]
    invite = "mutation ($room: ID!, $user: ID!) { inviteMember(roomId: $room, userId: $user) { userId } }"
    bob.data(invite, room=room, user=ann.id)
    ann.data("mutation ($room: ID!) { acceptInvitation(roomId: $room) { standing } }", room=room)
    ann.data(SEND, room=room, text="mine")
    assert ann.data(DELETE) == {"userId": ann.id, "done": True}
    members = bob.data("query ($room: ID!) { members(roomId: $room) { items { userId } } }", room=room)["items"]
    assert members == [{"userId": bob.id}]
    (message,) = bob.data(MESSAGES, room=room)["items"]
    assert (message["author"], message["text"]) == ("deleted user", "mine")


def test_a_deletion_that_cannot_end_is_ended_by_asking_again(instance: Instance, ann: User, op: User) -> None:
    """Its last step lacks a right for a while. Nothing of the user comes back meanwhile."""
    iam, room = instance.client("iam"), f"room-{uuid.uuid4()}"
    role = {"RoleName": instance.resources("AWS::IAM::Role")["UsersRole"], "PolicyName": "users"}
    policy = iam.get_role_policy(**role)["PolicyDocument"]
    without = [
        {**each, "Action": [action for action in actions if action != "cognito-idp:AdminDeleteUser"]}
        for each in policy["Statement"]
        for actions in [each["Action"] if isinstance(each["Action"], list) else [each["Action"]]]
    ]
    ann.data(SEND, room=room, text="mine")
    iam.put_role_policy(**role, PolicyDocument=json.dumps({**policy, "Statement": without}))
    try:
        assert ann.refusal(DELETE) == "Internal"
        assert ann.refusal(ME) == "Unauthorized"
        shown = op.data("query ($id: ID!) { user(id: $id) { name deletedAt profile { version } } }", id=ann.id)
        assert (shown["name"], bool(shown["deletedAt"]), shown["profile"]["version"]) == (ann.name, True, 0)
        assert op.refusal(GROUPS, id=ann.id, groups=["sellers"]) == "NotFound"
        ann.sign_in()
        assert ann.refusal(ME) == "Unauthorized"
    finally:
        iam.put_role_policy(**role, PolicyDocument=json.dumps(policy))
    assert ann.data(DELETE) == {"userId": ann.id, "done": True}
    assert op.data(USER, id=ann.id) is None
    (message,) = op.data(MESSAGES, room=room)["items"]
    assert message["author"] == "deleted user"
