"""The HTTP endpoints under `/_headwater/`, served on MiniStack's own port; and a watch over what changes state."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

from local.ministack import inventory, questions
from local.ministack.saves import Saves

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

PREFIX = "/_headwater/"

_FULL = "The disk is full: no change can be kept. Make room; the log says where."

# JSON protocols name their operation in a header; these verbs only read.
_READING = ("Get", "Query", "Scan", "BatchGet", "TransactGet", "Describe", "List")


# In the journal before they are answered.
_JOURNALED = frozenset(
    f"DynamoDB_20120810.{operation}"
    for operation in (
        "PutItem",
        "UpdateItem",
        "DeleteItem",
        "BatchWriteItem",
        "TransactWriteItems",
        "ExecuteStatement",
        "BatchExecuteStatement",
        "ExecuteTransaction",
    )
)


def changes_state(scope: Scope) -> bool:
    """Whether a request may change anything that has to be saved. In doubt it does."""
    if scope["method"] in ("GET", "HEAD", "OPTIONS"):
        return False
    target = next((value for name, value in scope["headers"] if name == b"x-amz-target"), b"").decode("latin-1")
    return target not in _JOURNALED and not target.rpartition(".")[2].startswith(_READING)


async def _body(receive: Receive) -> bytes:
    parts = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts)


async def _answer(send: Send, status: int, content: object) -> None:
    body = json.dumps(content, default=str).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _serve(scope: Scope, receive: Receive, send: Send) -> None:
    method, name = scope["method"], scope["path"].removeprefix(PREFIX)
    if (method, name) == ("GET", "resources"):
        await _answer(send, 200, {"stacks": inventory.stacks()})
    elif method == "POST" and (answer := await questions.answer(name, await _body(receive))):
        await _answer(send, *answer)
    else:
        await _answer(send, 404, {"error": "NotFound", "message": f"No {method} {scope['path']} here."})


def wrap(application: Application, *, saves: Saves, started: Callable[[], None]) -> Application:
    """MiniStack's ASGI application with our endpoints in front. `started` is called once on the event loop."""

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            if scope["path"].startswith(PREFIX):
                await _serve(scope, receive, send)
                return
            if changes_state(scope):
                if saves.full:
                    await _answer(send, 500, {"__type": "InternalFailure", "message": _FULL})
                    return
                try:
                    await application(scope, receive, send)
                finally:
                    saves.mark_changed()
                return
        elif scope["type"] == "lifespan":
            started()
        await application(scope, receive, send)

    return wrapped
