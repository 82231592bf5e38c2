"""One upgraded socket: WebSocket frames by the `websockets` library's protocol, their messages by a `Subprotocol`.

Incoming bytes go through websockets' sans-I/O reader (masking, fragments, control frames, limits). Outgoing data frames
are written by hand, for they share their payload with other sockets.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, cast
from uuid import uuid4

from websockets.frames import Frame, Opcode
from websockets.protocol import OPEN, State
from websockets.server import ServerProtocol

from local.appsync import failures
from local.appsync.apis import Api, Apis
from local.appsync.auth.credentials import Credentials
from local.appsync.engine import Result, Subscription
from local.appsync.http import operation_from
from local.appsync.journal import Journal
from local.appsync.journal_clients import ERROR_FRAME, MOST_TOLD, UNSUBSCRIBED, Client, name_of
from local.appsync.rates import Rates
from local.appsync.realtime import connect, effects
from local.appsync.realtime.connect import Origin
from local.appsync.realtime.effects import Effect, Subprotocol
from local.appsync.realtime.faulty import SocketFaults
from local.appsync.realtime.messages import ConnectionProblem, Problem
from local.appsync.realtime.operations import Operation
from local.appsync.realtime.outbox import Flusher, Outbox
from local.appsync.realtime.slow_transport import SlowTransport
from local.appsync.request import Caller, OperationRequest, RequestInfo
from local.faults import Faults

MAX_MESSAGE_BYTES = 1024 * 1024
CLOSE_SECONDS = 1.0  # for the other side's close frame
SLOW_CLOSE_SECONDS = 10.0  # for a slow consumer to read on to the close frame

log = logging.getLogger(__name__)
_wire_log = logging.getLogger(f"{__name__}.frames")


class Owner(Protocol):
    """The endpoint that a connection belongs to."""

    apis: Apis
    rates: Rates
    journal: Journal
    flusher: Flusher
    faults: Faults
    faulty: SocketFaults
    connections: set[RealtimeConnection]
    tasks: set[asyncio.Task[None]]


@dataclass(frozen=True)
class _Live:
    """A live operation and what is needed to register it again with the next version of its API."""

    api: Api
    request: OperationRequest
    caller: Caller
    info: RequestInfo
    subscription: Subscription


class RealtimeConnection(asyncio.Protocol):
    """The asyncio protocol of an upgraded socket. `refused` is why the connect failed, None when it did not.

    `client` is where the journal keeps what becomes of it.
    """

    def __init__(
        self,
        owner: Owner,
        origin: Origin,
        protocol: Subprotocol,
        refused: ConnectionProblem | None,
        client: Client,
    ) -> None:
        self.origin = origin
        self.client = client
        self._owner = owner
        self._faults = owner.faults
        self._journal = owner.journal
        self._refused = refused
        self._loop = asyncio.get_running_loop()
        self._wire = ServerProtocol(state=OPEN, max_size=MAX_MESSAGE_BYTES, logger=_wire_log)
        self._protocol = protocol
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
        self._outbox.broken = self._broken
        self._owner.connections.add(self)
        self.client.unread = self._transport.get_write_buffer_size
        self.client.refused = self._refused
        self._journal.connected(self.client)
        if self._refused is not None:
            self._perform(self._protocol.refuse(self._refused, self._loop.time()))
        self._arm()

    def connection_lost(self, exc: Exception | None) -> None:
        """Called by the event loop."""
        self._give_up(f"the connection broke: {exc}" if exc else "the client went away without a close frame")
        self._outbox.lost()
        self.client.lost("", self._journal.order)
        self._journal.disconnected(self.client)
        if self._timer is not None:
            self._timer.cancel()
        self._owner.connections.discard(self)
        self.closed.set_result(None)

    def data_received(self, data: bytes) -> None:
        """Called by the event loop."""
        if self._faults.active and self._owner.faulty.touches(self):
            return
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
        self._perform(self._protocol.receive(text, self._loop.time()))

    def _write_wire(self) -> None:
        for data in self._wire.data_to_send():
            if data:
                self._outbox.raw(data)
            else:  # both close frames are exchanged, or the client broke the protocol
                self._outbox.flush()
                self._outbox.closed = True
                self._give_up(self._closed_by_client())
                self._transport.close()
                self._abort_after(CLOSE_SECONDS)

    def _closed_by_client(self) -> str:
        received = self._wire.close_rcvd
        if received is None:
            return "the client broke the WebSocket protocol"
        return f"the client closed the connection ({received.code} {received.reason}".rstrip() + ")"

    def _broken(self) -> None:
        """Frames were queued that cannot be written any more."""
        if self.client.broken_turn is None:
            self.client.broken_turn = self._journal.turn

    # The protocol's side.

    def _perform(self, wanted: Sequence[Effect]) -> None:
        for effect in wanted:
            if isinstance(effect, effects.Close):  # its cancellations come before it
                self.client.closing(f"the server closed the connection ({effect.code} {effect.reason})")
        for effect in wanted:
            match effect:
                case effects.Send(text):
                    self._outbox.text((text,))
                    if len(text) <= MOST_TOLD and text.find(ERROR_FRAME) >= 0:
                        self.client.told(text)
                case effects.Connect():
                    self._spawn(self._connect(effect))
                case effects.Begin():
                    self._spawn(self._begin(effect))
                case effects.Cancel(operation):
                    live = self._live.pop(operation, None)
                    if live is not None:
                        live.subscription.cancel()
                    self._finished(operation, self.client.why or UNSUBSCRIBED)
                case effects.Close(code, reason):
                    self.close(code, reason)

    def _finished(self, operation: Operation, why: str, refused: Sequence[Problem] = ()) -> None:
        self.client.finished(operation, why, self._journal.order, refused)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = self._loop.create_task(work)
        self._owner.tasks.add(task)
        task.add_done_callback(self._owner.tasks.discard)

    async def _connect(self, wanted: effects.Connect) -> None:
        """Authenticate a connection whose credentials came in a message."""
        try:
            await connect.authenticate(await self._api(), self.origin, wanted.headers)
        except Exception as error:  # noqa: BLE001 - the edge: a refused connect is told, whatever happened
            self._perform(wanted.rejected(connect.refusal(error)))
        else:
            self._perform(wanted.connected())

    async def _begin(self, wanted: effects.Begin) -> None:
        """Authorize a start and subscribe, again if the API was redeployed meanwhile; or execute, once."""
        operation = wanted.operation
        self.client.started(operation, operation.id, operation.authorization)
        try:
            while True:
                api = await self._api()
                live = await self._start(wanted, api)
                if isinstance(live, bytes) or await self._owner.apis.settled(self.origin.api_id) is api:
                    break
                if isinstance(live, _Live):
                    live.subscription.cancel()
        except Exception as error:  # noqa: BLE001 - the edge: a failed start is an error frame, whatever happened
            live = _problems(error)
        if isinstance(live, _Live):
            # First the registration: `established` may hand it straight back when the start was stopped meanwhile.
            self._live[operation] = live
            if self._faults.active:
                held = len(operation.held)
                self._owner.faulty.acknowledges(self, operation)
                if len(operation.held) < held and (subscriber := self.client.live.get(operation)) is not None:
                    subscriber.deaf_until = self._journal.order
            self._perform(self._protocol.established(operation))
            if operation in self._live and (subscriber := self.client.live.get(operation)) is not None:
                subscriber.live_at = time.time()
        elif isinstance(live, bytes):
            assert wanted.answered is not None
            self.client.live.pop(operation, None)  # a query or mutation
            self._perform(wanted.answered(live))
        else:
            self._finished(operation, "it was refused", live)
            self._perform(self._protocol.failed(operation, live))

    async def _api(self) -> Api:
        """The version that is served now, after the end of a swap."""
        api = await self._owner.apis.settled(self.origin.api_id)
        if api is None:
            raise failures.unknown_api(self.origin.api_id)
        return api

    async def _start(self, wanted: effects.Begin, api: Api) -> _Live | list[Problem] | bytes:
        operation, origin = wanted.operation, self.origin
        request = operation_from(operation.query)
        info = RequestInfo(operation.authorization, str(uuid4()), origin.source_ip)
        credentials = Credentials(
            operation.authorization, paths=origin.paths, body=operation.data.encode(),
            source_ip=origin.source_ip, secure=origin.secure, operation=request, request_id=info.request_id,
        )  # fmt: skip
        caller = await api.authenticator.authenticate(credentials)
        if (subscriber := self.client.live.get(operation)) is not None:
            subscriber.who = name_of(caller)
        live = await self._subscribe(operation, api, request, caller, info)
        if wanted.answered is not None and isinstance(live, list) and _is_unsupported(live):
            return await self._execute(api, request, caller, info)
        return live

    async def _execute(self, api: Api, request: OperationRequest, caller: Caller, info: RequestInfo) -> bytes:
        """The response to a query or mutation."""
        assert api.engine is not None
        if not self._owner.rates.request_tokens.take():
            raise failures.too_many_requests()
        with api:
            return (await api.engine.execute(request, caller, info)).body

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
        if (subscriber := self.client.live.get(operation)) is not None:
            subscriber.registered(outcome, self._journal.order)
        return _Live(api, request, caller, info, outcome)

    def _deliver_to(self, operation: Operation) -> Callable[[bytes], None]:
        frame, text, faults = operation.frame, self._outbox.text, self._faults

        def deliver(payload: bytes) -> None:
            if faults.active and self._owner.faulty.pushes(self, operation, payload):
                return
            parts = frame(payload)
            if parts:
                text(parts)

        return deliver

    def _ended_for(self, operation: Operation) -> Callable[[], None]:
        def ended() -> None:
            self._finished(operation, "the API ended the subscription (invalidation)")
            self._perform(self._protocol.ended(operation))

        return ended

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
                self._finished(operation, "the redeployed API refused it", again)
                self._perform(self._protocol.failed(operation, again))

    # What a fault asks and does (faulty.py).

    def operations(self) -> Iterable[Operation]:
        """Its live subscriptions."""
        return self._live

    def field_of(self, operation: Operation) -> str:
        """The subscription field of an operation; empty when it has ended."""
        subscriber = self.client.live.get(operation)
        return subscriber.registrations[-1].field_name if subscriber is not None and subscriber.registrations else ""

    def dropped(self, operation: Operation, why: str) -> None:
        """The event that is being delivered does not go out."""
        self._journal.drop(self.client.live.get(operation), why)

    def send(self, parts: Sequence[bytes]) -> None:
        """Queue a text frame."""
        self._outbox.text(parts)

    def cut(self) -> None:
        """Read and write no more, and leave the socket open."""
        self._transport.pause_reading()
        self._outbox.lost()

    def slow_down(self, bytes_per_second: int) -> None:
        """Write no faster than this."""
        self._transport = SlowTransport(self._transport, self, bytes_per_second)
        self._outbox.transport = self._transport
        self.client.unread = self._transport.get_write_buffer_size

    # The end.

    def close(self, code: int, reason: str) -> None:
        """Send a close frame, and close when the client has answered it or a second has passed."""
        self._give_up(f"the server closed the connection ({code} {reason})")
        if self._wire.state is not State.OPEN:
            return
        # A close frame has room for 123 bytes, and the reason may quote what a client sent.
        self._wire.send_close(code, reason.encode()[:120].decode(errors="ignore"))
        self._write_wire()
        self._outbox.flush()
        self._outbox.closed = True
        self._abort_after(CLOSE_SECONDS)

    def abort(self) -> None:
        """Close at once."""
        self.client.closing("the server cut the connection")
        self.client.unsent = self.client.unread()
        self._transport.abort()

    def _overflowed(self) -> None:
        """A slow consumer: it gets what is buffered, then a close frame, and some time to read both."""
        self._give_up("the server closed the connection: a slow consumer, which left too many bytes unread")
        log.warning("closing a slow consumer at %s", self.origin.source_ip[-1])
        if self._wire.state is State.OPEN:
            self._wire.send_close(effects.POLICY_VIOLATION, "Slow consumer: too many unread messages")
            for data in self._wire.data_to_send():
                self._transport.write(data)
        self._transport.close()
        self._abort_after(SLOW_CLOSE_SECONDS)

    def _give_up(self, why: str) -> None:
        self.client.closing(why)
        self._perform(self._protocol.lost())

    def _abort_after(self, seconds: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_later(seconds, self.abort)

    def _arm(self) -> None:
        self._timer = self._loop.call_at(self._protocol.wake_at, self._wake)

    def _wake(self) -> None:
        timer = self._timer
        if self._faults.active:
            self._owner.faulty.touches(self)
        self._perform(self._protocol.wake(self._loop.time()))
        if self._timer is timer:  # nothing closed the connection
            self._arm()


def _problems(error: Exception) -> list[Problem]:
    failure = failures.refusal(error)
    if failure.status == 500:
        log.error("a start failed", exc_info=error)
    return [{"errorType": failure.error_type, "message": failure.message}]


def _is_unsupported(problems: list[Problem]) -> bool:
    """Whether the engine refused because the operation is no subscription."""
    return problems[0].get("errorType") == "UnsupportedOperation"


def _problem(error: dict[str, object]) -> Problem:
    return {name: value for name, value in error.items() if value is not None}  # type: ignore[return-value]
