"""How the process serves, saves and stops."""

from __future__ import annotations

from typing import Any

from hypercorn.config import Config
from ministack import app
from ministack.core import persistence
from ministack.services.cloudformation import changesets, handlers, stacks

from local.ministack import endpoints, process

_CONTROL_PLANES = frozenset({"cognito-idp", "events", "iam", "lambda", "sts"})


def keep_process_file_out_of_tmp() -> None:
    """MiniStack writes its process id to /tmp, where a killed one stays and another user's cannot be replaced."""
    path = process.state / "ministack.pid"
    app._pid_file = lambda _port: str(path)


def stop_quickly() -> None:
    """A stop waits three seconds for kept-alive connections before it saves."""
    Config.graceful_timeout = 0.5


def save_in_background() -> None:
    """State is written at a graceful stop only: kill -9 loses everything since the start."""

    def save_all(services: dict[str, Any]) -> None:
        del services  # asked again, in the process that writes
        process.finish()

    app.save_all = save_all
    # STATE_DIR itself stays what it was: keys and code, written once by their services, live there.
    persistence.STATE_DIR = str(process.saves.current)


def announce_changes() -> None:
    """Nobody outside can learn of a changed stack, function or policy without polling for it."""
    dispatch, add_event = app._dispatch_service_request, stacks._add_event

    async def announcing(method: str, path: str, headers: Any, body: bytes, query: Any, request_id: str) -> Any:
        response = await dispatch(method, path, headers, body, query, request_id)
        if method not in ("GET", "HEAD") and not path.endswith("/invocations"):
            service = app.detect_service(method, path, headers, app._routing_params(method, path, headers, body, query))
            if service in _CONTROL_PLANES:
                process.notifier.control(service)
        return response

    def add_and_announce(
        stack_id: str, stack_name: str, logical_id: str, kind: str, status: str, *more: Any, **named: Any
    ) -> None:
        add_event(stack_id, stack_name, logical_id, kind, status, *more, **named)
        process.saves.mark_changed()
        if logical_id == stack_name and not status.endswith("_IN_PROGRESS"):
            process.notifier.control("cloudformation")

    app._dispatch_service_request = announcing
    for module in (stacks, changesets, handlers):
        if hasattr(module, "_add_event"):
            module._add_event = add_and_announce


def serve_endpoints() -> None:
    """There is no way to read the resolved resources of all stacks, or a principal with its policies."""
    app.app = endpoints.wrap(app.app, saves=process.saves, started=process.start_tasks)
