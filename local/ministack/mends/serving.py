"""How the process serves, saves and stops."""

from __future__ import annotations

import copy
import json
import logging
import os
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TextIO

from hypercorn.config import Config
from ministack import app
from ministack.core import persistence
from ministack.services import lambda_svc

from local.ministack import endpoints, notifications
from local.ministack.saves import Saves

SAVE_INTERVAL_VARIABLE = "HEADWATER_SAVE_SECONDS"
DEFAULT_SAVE_INTERVAL_SECONDS = 2.0

_CONTROL_PLANES = frozenset({"appsync", "cloudformation", "cognito-idp", "events", "iam", "lambda", "sts"})

notifier = notifications.from_environment()


def _dump_quickly(state: Any, file: TextIO, **options: Any) -> None:
    file.write(json.dumps(state, **options))  # the C encoder: json.dump is five times slower


def _write_state(directory: Path) -> Callable[[], None]:
    """Write every service's state; only ever called in a forked child, whose memory is a copy as it is."""
    persistence.STATE_DIR = str(directory)
    # getattr and setattr: these replace what MiniStack's modules call, whatever a type checker says about it
    setattr(copy, "deepcopy", lambda value, _memo=None: value)  # noqa: B010
    persistence.json = SimpleNamespace(dump=_dump_quickly)
    persistence.logger.setLevel(logging.WARNING)
    referenced: set[str] = set()
    prune = lambda_svc._prune_orphan_code_blobs
    lambda_svc._prune_orphan_code_blobs = referenced.update
    persistence.save_all(app._build_persistence_save_dict())
    # Code that the previous save refers to goes only when this one is the current one.
    return lambda: prune(referenced)


def _new_saves() -> Saves:
    state = Path(os.environ["STATE_DIR"]).parent
    interval = float(os.environ.get(SAVE_INTERVAL_VARIABLE, DEFAULT_SAVE_INTERVAL_SECONDS))
    return Saves(state, interval_seconds=interval, write=_write_state)


saves = _new_saves()


def keep_process_file_out_of_tmp() -> None:
    """MiniStack writes its process id to /tmp, where a killed one stays and another user's cannot be replaced."""
    path = Path(os.environ["STATE_DIR"]).parent / "ministack.pid"
    app._pid_file = lambda _port: str(path)


def stop_quickly() -> None:
    """A stop waits three seconds for kept-alive connections before it saves."""
    Config.graceful_timeout = 0.5


def save_in_background() -> None:
    """State is written at a graceful stop only: kill -9 loses everything since the start."""

    def save_all(services: dict[str, Any]) -> None:
        del services  # save() asks again, in the process that writes
        saves.finish()

    app.save_all = save_all
    # STATE_DIR itself stays what it was: keys and code, written once by their services, live there.
    persistence.STATE_DIR = str(saves.current)


def announce_changes() -> None:
    """Nobody outside can learn of a changed stack, function or policy without polling for it."""
    dispatch = app._dispatch_service_request

    async def announcing(method: str, path: str, headers: Any, body: bytes, query: Any, request_id: str) -> Any:
        response = await dispatch(method, path, headers, body, query, request_id)
        if method not in ("GET", "HEAD"):
            service = app.detect_service(method, path, headers, app._routing_params(method, path, headers, body, query))
            if service in _CONTROL_PLANES and not path.endswith("/invocations"):
                notifier.control(service)
        return response

    app._dispatch_service_request = announcing


def serve_endpoints() -> None:
    """There is no way to read the resolved resources of all stacks, or a principal with its policies."""
    app.app = endpoints.wrap(app.app, saves)
