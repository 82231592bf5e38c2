"""Private rooms of a running instance, by what their users ask and hear."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.stack.instance import Instance
from tests.stack.users import User

CREATE = "mutation ($input: CreateRoomInput!) { createRoom(input: $input) { id name private createdAt } }"
INVITE = """mutation ($room: ID!, $user: ID!) { inviteMember(roomId: $room, userId: $user) {
    userId displayName standing since } }"""
ACCEPT = "mutation ($room: ID!) { acceptInvitation(roomId: $room) { room { id name private } standing since } }"
RESIGN = "mutation ($room: ID!) { resignMembership(roomId: $room) { roomId userId } }"
EXPEL = "mutation ($room: ID!, $user: ID!) { expelMember(roomId: $room, userId: $user) { roomId userId } }"
MEMBERS = "query ($room: ID!) { members(roomId: $room) { items { userId displayName standing } nextToken } }"
MEMBERSHIPS = "{ memberships { items { room { id name private } standing } nextToken } }"
ROOM = "query ($room: ID!) { room(id: $room) { id name private } }"
ROOMS = "query ($token: String) { rooms(limit: 100, nextToken: $token) { items { id private } nextToken } }"
MESSAGES = "query ($room: ID!) { messages(roomId: $room, limit: 100) { items { author text } } }"
CHANGES = """query ($room: ID!, $after: Int = 0) { messageChanges(roomId: $room, after: $after, limit: 1000) {
    topic headSeq items { seq message { text } } } }"""
SEND = "mutation ($room: ID!, $text: String!) { sendMessage(input: {roomId: $room, text: $text}) { id author text } }"
SEND_SEVERAL = """mutation ($room: ID!, $text: String!) {
    sendMessages(input: {roomId: $room, messages: [{text: $text}]}) { messages { text } } }"""
JOIN = 'mutation ($room: ID!) { joinRoom(input: {roomId: $room, clientId: "x"}) { presence { id } } }'
LIVE = "subscription ($room: ID!) { onMessages(roomId: $room) { topic lastSeq items { seq message { text } } } }"

# Every field that names a room, and what else it needs.
OF_A_ROOM = {
    "room": (ROOM, {}),
    "messages": (MESSAGES, {}),
    "messageChanges": (CHANGES, {}),
    "sendMessage": (SEND, {"text": "x"}),
    "sendMessages": (SEND_SEVERAL, {"text": "x"}),
    "presence": ("query ($room: ID!) { presence(roomId: $room) { items { id } } }", {}),
    "presenceChanges": ("query ($room: ID!) { presenceChanges(roomId: $room, after: 0) { headSeq } }", {}),
    "joinRoom": (JOIN, {}),
    "heartbeat": (JOIN.replace("joinRoom", "heartbeat").replace("presence { id }", "lastSeen"), {}),
    "leaveRoom": (JOIN.replace("joinRoom", "leaveRoom").replace("presence { id }", "id"), {}),
    "members": (MEMBERS, {}),
    "inviteMember": (INVITE, {"user": "nobody"}),
    "acceptInvitation": (ACCEPT, {}),
    "resignMembership": (RESIGN, {}),
    "expelMember": (EXPEL, {"user": "nobody"}),
}
UNKNOWN = "private:01J0000000000000000000000A"


@dataclass
class PrivateRoom:
    """A private room, by its owner."""

    owner: User
    id: str

    def invite(self, user: User) -> None:
        assert self.owner.data(INVITE, room=self.id, user=user.id)["standing"] == "INVITED"

    def bring(self, *users: User) -> None:
        """Make users members."""
        for user in users:
            self.invite(user)
            assert user.data(ACCEPT, room=self.id)["standing"] == "MEMBER"

    def expel(self, user: User) -> None:
        assert self.owner.data(EXPEL, room=self.id, user=user.id) == {"roomId": self.id, "userId": user.id}

    def send(self, user: User, text: str) -> None:
        assert user.data(SEND, room=self.id, text=text)["text"] == text

    def membership(self, user: User) -> dict[str, Any]:
        """The key of a membership in the main table."""
        return {"pk": {"S": f"MEMBER#{self.id}"}, "sk": {"S": user.id}}


def create(owner: User, name: str | None = None) -> PrivateRoom:
    """A new private room."""
    made = owner.data(CREATE, input={"private": True, "name": name})
    assert made["private"] is True
    return PrivateRoom(owner, made["id"])


def main_table(instance: Instance) -> str:
    """The name of the main table."""
    return instance.resources("AWS::DynamoDB::Table")["MainTable"]
