"""A worker: one execution environment of a function, around AWS's own Python runtime client (`awslambdaric`).

Frames on its socket, each answered before the next is sent:

- in: `{"requestId", "arn", "deadlineMs", "traceId", "clientContext"}` + the event; with `kill`, it is to die on the way
- out: `{"ready": true}` once initialised, then `{"result": content type}` or `{"error": true}` + the payload;
  `{"initError": true}` + the payload instead of ready. All carry `maxRssKb`.
"""

from __future__ import annotations

import os
import resource
import socket
import sys
import time
from typing import Any

from . import framing, killer, sdk


def run(task: dict[str, Any]) -> None:
    """Become the worker that `task` describes and serve invocations until the socket closes."""
    _redirect(task["log"])
    os.environ.clear()
    os.environ.update(task["environment"])
    time.tzset()
    sys.path[:0] = task["path"]
    sys.pycache_prefix = task["bytecode"]  # no __pycache__ in anybody's sources
    sys.argv[:] = [os.path.join(task["environment"]["LAMBDA_RUNTIME_DIR"], "bootstrap.py"), task["handler"]]  # noqa: PTH118
    sdk.keep_or_drop()
    os.chdir(task["environment"]["LAMBDA_TASK_ROOT"])
    connection = socket.socket(fileno=task["socket"])
    # The client's native module speaks HTTP with AWS's sandbox; without it the client still imports.
    sys.modules["runtime_client"] = None  # type: ignore[assignment]
    from awslambdaric import bootstrap  # type: ignore[import-untyped]  # reads the environment at import

    del sys.modules["runtime_client"]
    bootstrap.run(task["handler"], _runtime_client(connection))


def _runtime_client(connection: socket.socket) -> Any:
    from awslambdaric import lambda_runtime_client, lambda_runtime_marshaller

    class RuntimeClient(lambda_runtime_client.BaseLambdaRuntimeClient):  # type: ignore[misc]
        """The sandbox's side of the runtime interface over the worker's socket."""

        def __init__(self) -> None:
            super().__init__("")
            self._initialised = False
            self._kill: dict[str, Any] | None = None

        def wait_next_invocation(self) -> Any:
            if not self._initialised:
                self._initialised = True
                _send(connection, {"ready": True})
            if self._kill is not None:
                killer.disarm()
            frame = framing.receive(connection)
            if frame is None:
                sys.exit(0)
            header, event = frame
            self._kill = header.get("kill")
            if self._kill is not None:
                killer.die() if self._kill["at"] == "start" else killer.arm(**self._kill)
            return lambda_runtime_client.InvocationRequest(
                invoke_id=header["requestId"],
                x_amzn_trace_id=header["traceId"],
                invoked_function_arn=header["arn"],
                deadline_time_in_ms=header["deadlineMs"],
                client_context=header["clientContext"],
                cognito_identity=None,
                tenant_id=None,
                content_type="application/json",
                event_body=event,
                invocation_id=None,
            )

        def post_invocation_result(
            self,
            invoke_id: str,  # noqa: ARG002
            result_data: str | bytes,
            content_type: str = "application/json",
            invocation_id: str | None = None,  # noqa: ARG002
        ) -> None:
            if self._kill is not None and self._kill["at"] == "end":
                killer.die()
            payload = result_data if isinstance(result_data, bytes) else result_data.encode("utf-8", "surrogatepass")
            _send(connection, {"result": content_type}, payload)

        def post_invocation_error(
            self,
            invoke_id: str,  # noqa: ARG002
            error_response_data: str,
            xray_fault: str,  # noqa: ARG002
            invocation_id: str | None = None,  # noqa: ARG002
        ) -> None:
            _send(connection, {"error": True}, error_response_data.encode("utf-8", "surrogatepass"))

        def post_init_error(
            self,
            error_response_data: dict[str, Any],
            error_type_override: str | None = None,  # noqa: ARG002
        ) -> None:
            _send(connection, {"initError": True}, lambda_runtime_marshaller.to_json(error_response_data).encode())

    return RuntimeClient()


def _send(connection: socket.socket, header: dict[str, Any], payload: bytes = b"") -> None:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    kilobytes = peak // 1024 if sys.platform == "darwin" else peak
    connection.sendall(framing.encode({**header, "maxRssKb": kilobytes}, payload))


def _redirect(log: int) -> None:
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.close(null)
    os.close(log)
