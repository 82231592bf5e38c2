"""What every data plane serves: Headwater's schema, its publish mutation, and the subscription of its client."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from headwater.topics import ROOM

ROOT = Path(__file__).resolve().parent.parent.parent
API_KEY = "da2-abcdefghijklmnopqrstuvwxyz"
FIRST_SEQ = 100_000  # all numbers of a run have six digits, so that all its events have one size

PUBLISH = """
mutation PublishMessages($input: PublishMessagesInput!) {
  publishMessages(input: $input) {
    roomId topic firstSeq lastSeq
    items { seq eventId kind at traceId key truncated message { id roomId author text sentAt version originalTime } }
  }
}"""

_PUBLISHER_ONLY = "input: PublishMessagesInput!): MessageChanges @aws_iam\n"


def schema() -> str:
    """`schema.graphql`, but publishing is open to the API key: the peer cannot verify a signature."""
    text = (ROOT / "schema.graphql").read_text()
    if _PUBLISHER_ONLY not in text:
        raise ValueError(f"schema.graphql has no {_PUBLISHER_ONLY!r} any more: adapt {__name__}")
    return text.replace(_PUBLISHER_ONLY, _PUBLISHER_ONLY.replace(" @aws_iam", ""))


def publish(room: str, seq: int) -> dict[str, Any]:
    """The operation that publishes one message of a room."""
    key = f"01KAJ5W4QZ8Y7N3M2B1V{seq:06d}"
    at = "2026-11-21T09:30:00.000Z"
    message = {
        "id": key, "roomId": room, "author": "ada", "text": "The tide is in; boats may leave the harbour until noon.",
        "sentAt": at, "version": 1, "originalTime": None,
    }  # fmt: skip
    change = {"seq": seq, "eventId": f"e{seq}", "kind": "INSERT", "at": at, "traceId": None, "key": key}
    change["truncated"] = False
    items = [change | {"message": message}]
    envelope = {"roomId": room, "topic": f"room:{room}", "firstSeq": seq, "lastSeq": seq, "items": items}
    return {"query": PUBLISH, "variables": {"input": envelope}}


def subscribe(room: str) -> dict[str, Any]:
    """The client's subscription to a room."""
    return {"query": ROOM.subscription, "variables": {"roomId": room}}
