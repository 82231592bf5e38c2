"""One upgraded socket: WebSocket frames by the `websockets` library's protocol, AppSync's by `RealtimeProtocol`.

Incoming bytes go through websockets' sans-I/O reader (masking, fragments, control frames, limits). Outgoing data frames
are written by hand, for they share their payload with other sockets.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol, cast
from uuid import uuid4

from websockets.frames import Frame, Opcode
from websockets.protocol import OPEN, State
from websockets.server import ServerProtocol

from local.appsync import failures
from local.appsync.apis import Api, Apis
from local.appsync.auth.credentials import Credentials
from local.appsync.engine import Result, Subscription
from local.appsync.http import operation_from
from local.appsync.realtime import protocol as effects
from local.appsync.realtime.messages import ConnectionProblem, Problem
from local.appsync.realtime.outbox import Flusher, Outbox
from local.appsync.realtime.protocol import Effect, Operation, RealtimeProtocol
from local.appsync.request import Caller, OperationRequest, RequestInfo

MAX_MESSAGE_BYTES = 1024 * 1024
CLOSE_SECONDS = 1.0  # for the other side's close frame
SLOW_CLOSE_SECONDS = 10.0  # for a slow consumer to read on to the close frame

log = logging.getLogger(__name__)
_wire_log = logging.getLogger(f"{__name__}.frames")


class Owner(Protocol):
    """The endpoint that a connection belongs to."""

    apis: Apis
    flusher: Flusher
    connections: set[RealtimeConnection]
    tasks: set[asyncio.Task[None]]


@dataclass(frozen=True)
class Origin:
    """What a connection keeps of its handshake: its API, and how its starts are signed and seen."""

    api_id: str
    paths: tuple[str, ...]
    source_ip: tuple[str, ...]
    secure: bool


@dataclass(frozen=True)
class _Live:
    """A live operation and what is needed to register it again with the next version of its API."""

    api: Api
    request: OperationRequest
    caller: Caller
    info: RequestInfo
    subscription: Subscription


class RealtimeConnection(asyncio.Protocol):
    """The asyncio protocol of an upgraded socket. `refused` is why the connect failed, None when it did not."""

    def __init__(self, owner: Owner, origin: Origin, refused: ConnectionProblem | None) -> None:
        self.origin = origin
        self._owner = owner
        self._refused = refused
        self._loop = asyncio.get_running_loop()
        self._wire = ServerProtocol(state=OPEN, max_size=MAX_MESSAGE_BYTES, logger=_wire_log)
        self._protocol = RealtimeProtocol(self._loop.time())
        self._message: bytearray | None = None
        self._message_is_text = True
        self._live: dict[Operation, _Live] = {}
        self._timer: asyncio.TimerHandle | None = None
        self.closed: asyncio.Future[None] = self._loop.create_future()

    # The transport's side.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called after the 101 response was written."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's does not derive from it
        self._outbox = Outbox(self._transport, self._owner.flusher, self._overflowed)
        self._owner.connections.add(self)
        if self._refused is not None:
            self._perform(self._protocol.refuse(self._refused, self._loop.time()))
        self._arm()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        """Called by the event loop."""
        self._give_up()
        self._outbox.lost()
        if self._timer is not None:
            self._timer.cancel()
        self._owner.connections.discard(self)
        self.closed.set_result(None)

    def data_received(self, data: bytes) -> None:
        """Called by the event loop."""
        self._wire.receive_data(data)
        for frame in self._wire.events_received():
            if isinstance(frame, Frame):
                self._receive(frame)
        self._write_wire()

    def pause_writing(self) -> None:
        """Called by the event loop when the client does not keep up with reading."""
        self._outbox.congested = True

    def resume_writing(self) -> None:
        """Called by the event loop."""
        self._outbox.congested = False

    def eof_received(self) -> bool:
        """Called by the event loop: without a close frame there is nobody to answer."""
        return False

    def _receive(self, frame: Frame) -> None:
        if frame.opcode in (Opcode.TEXT, Opcode.BINARY):
            self._message = bytearray()
            self._message_is_text = frame.opcode is Opcode.TEXT
        elif frame.opcode is not Opcode.CONT:
            return  # websockets has answered ping and close
        assert self._message is not None
        self._message += frame.data
        if not frame.fin:
            return
        message, self._message = self._message, None
        try:
            text = message.decode() if self._message_is_text else None
        except UnicodeDecodeError:
            self._wire.fail(1007, "A text message must be UTF-8")
            return
        if text is None:
            self._perform([effects.unsupported()])
        else:
            self._perform(self._protocol.receive(text, self._loop.time()))

    def _write_wire(self) -> None:
        for data in self._wire.data_to_send():
            if data:
                self._outbox.raw(data)
            else:  # both close frames are exchanged, or the client broke the protocol
                self._outbox.flush()
                self._outbox.closed = True
                self._give_up()
                self._transport.close()
                self._abort_after(CLOSE_SECONDS)

    # The protocol's side.

    def _perform(self, wanted: Iterable[Effect]) -> None:
        for effect in wanted:
            match effect:
                case effects.Send(text):
                    self._outbox.text((text,))
                case effects.Begin(operation):
                    task = self._loop.create_task(self._begin(operation))
                    self._owner.tasks.add(task)
                    task.add_done_callback(self._owner.tasks.discard)
                case effects.Cancel(operation):
                    live = self._live.pop(operation, None)
                    if live is not None:
                        live.subscription.cancel()
                case effects.Close(code, reason):
                    self.close(code, reason)

    async def _begin(self, operation: Operation) -> None:
        """Authorize a start and subscribe, again if the API was redeployed meanwhile."""
        try:
            api = await self._owner.apis.settled(self.origin.api_id)
            while True:
                live = await self._start(operation, api)
                current = await self._owner.apis.settled(self.origin.api_id)
                if current is api:
                    break
                if isinstance(live, _Live):
                    live.subscription.cancel()
                api = current
        except Exception as error:  # noqa: BLE001 - the edge: a failed start is an error frame, whatever happened
            live = _problems(error)
        if isinstance(live, _Live):
            # First the registration: `established` may hand it straight back when the start was stopped meanwhile.
            self._live[operation] = live
            self._perform(self._protocol.established(operation))
        else:
            self._perform(self._protocol.failed(operation, live))

    async def _start(self, operation: Operation, api: Api | None) -> _Live | list[Problem]:
        if api is None:
            raise failures.unknown_api(self.origin.api_id)
        origin = self.origin
        request = operation_from(operation.query)
        info = RequestInfo(operation.authorization, str(uuid4()), origin.source_ip)
        credentials = Credentials(
            operation.authorization, paths=origin.paths, body=operation.data.encode(),
            source_ip=origin.source_ip, secure=origin.secure, operation=request, request_id=info.request_id,
        )  # fmt: skip
        caller = await api.authenticator.authenticate(credentials)
        return await self._subscribe(operation, api, request, caller, info)

    async def _subscribe(
        self, operation: Operation, api: Api, request: OperationRequest, caller: Caller, info: RequestInfo
    ) -> _Live | list[Problem]:
        if api.engine is None:
            raise failures.no_schema()
        outcome = await api.engine.subscribe(
            request, caller, info, self._deliver_to(operation), ended=self._ended_for(operation),
            operation_id=operation.id,
        )  # fmt: skip
        if isinstance(outcome, Result):
            return [_problem(error) for error in outcome.errors]
        return _Live(api, request, caller, info, outcome)

    def _deliver_to(self, operation: Operation) -> Callable[[bytes], None]:
        data, text = self._protocol.data, self._outbox.text

        def deliver(payload: bytes) -> None:
            parts = data(operation, payload)
            if parts:
                text(parts)

        return deliver

    def _ended_for(self, operation: Operation) -> Callable[[], None]:
        return lambda: self._perform(self._protocol.ended(operation))

    async def carry_over(self, old: Api, new: Api) -> None:
        """Register the live operations of `old` with `new` too; the old registrations end with `old`."""
        for operation, live in list(self._live.items()):
            if live.api is not old:
                continue
            try:
                again = await self._subscribe(operation, new, live.request, live.caller, live.info)
            except Exception as error:  # noqa: BLE001 - one subscription must not stop the others' move
                again = _problems(error)
            if operation not in self._live:  # stopped meanwhile
                if isinstance(again, _Live):
                    again.subscription.cancel()
            elif isinstance(again, _Live):
                self._live[operation] = again
                old.at_end(live.subscription.cancel)
            else:
                del self._live[operation]
                live.subscription.cancel()
                self._perform(self._protocol.failed(operation, again))

    # The end.

    def close(self, code: int, reason: str) -> None:
        """Send a close frame, and close when the client has answered it or a second has passed."""
        self._give_up()
        if self._wire.state is not State.OPEN:
            return
        self._wire.send_close(code, reason[:100])
        self._write_wire()
        self._outbox.flush()
        self._outbox.closed = True
        self._abort_after(CLOSE_SECONDS)

    def abort(self) -> None:
        """Close at once."""
        self._transport.abort()

    def _overflowed(self) -> None:
        """A slow consumer: it gets what is buffered, then a close frame, and some time to read both."""
        self._give_up()
        log.warning("closing a slow consumer at %s", self.origin.source_ip[-1])
        if self._wire.state is State.OPEN:
            self._wire.send_close(effects.POLICY_VIOLATION, "Slow consumer: too many unread messages")
            for data in self._wire.data_to_send():
                self._transport.write(data)
        self._transport.close()
        self._abort_after(SLOW_CLOSE_SECONDS)

    def _give_up(self) -> None:
        self._perform(self._protocol.lost())

    def _abort_after(self, seconds: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_later(seconds, self._transport.abort)

    def _arm(self) -> None:
        self._timer = self._loop.call_at(self._protocol.wake_at, self._wake)

    def _wake(self) -> None:
        timer = self._timer
        self._perform(self._protocol.wake(self._loop.time()))
        if self._timer is timer:  # nothing closed the connection
            self._arm()


def _problems(error: Exception) -> list[Problem]:
    failure = failures.refusal(error)
    if failure.status == 500:
        log.error("a start failed", exc_info=error)
    return [{"errorType": failure.error_type, "message": failure.message}]


def _problem(error: dict[str, object]) -> Problem:
    return {name: value for name, value in error.items() if value is not None}  # type: ignore[return-value]
