"""Chat messages as they are sent, and as they are shown until the server has them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from headwater.mutations import ID, Optimistic


def sending(
    room_id: str, text: str, *, author: str | None, original_time: str | None, client_mutation_id: str | None
) -> dict[str, Any]:
    """The variables of `sendMessage`."""
    optional = {"author": author, "originalTime": original_time, ID: client_mutation_id}
    given = {name: value for name, value in optional.items() if value is not None}
    return {"input": {"roomId": room_id, "text": text, **given}}


def expected(variables: dict[str, Any]) -> Optimistic:
    """The message that these variables are to make. Its author is not known where the server tells it by the token."""
    given = variables["input"]
    key = f"pending-{given.get(ID) or uuid4()}"
    message = {
        "id": key, "roomId": given["roomId"], "author": given.get("author", ""), "text": given["text"],
        "sentAt": datetime.now(UTC).isoformat(), "version": 0, "originalTime": given.get("originalTime"),
    }  # fmt: skip
    return Optimistic(f"room:{given['roomId']}", key, message)
