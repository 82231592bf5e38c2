"""Legacy and new side by side: each request goes where the table says, and callers see one API.

`legacy`: the legacy system answers. `new`: our own route of the same path does, in this process. `shadow`: the legacy
system answers, and our own route is asked besides, for the comparison only.
"""

from __future__ import annotations

import base64
import logging
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeoutError
from dataclasses import dataclass, field
from typing import Any

from domain.caller import Caller, CallerKind, Scope
from domain.clock import Clock
from domain.errors import Unauthorized
from domain.legacy import answer, errors, request, shadow, signature
from domain.legacy.answer import Answer
from domain.legacy.request import Request
from domain.legacy.server import LegacyServer, Question
from domain.legacy.settings import READING, BaseUrl, LegacySettings, Route, Target

logger = logging.getLogger("headwater.legacy")

# How much longer a caller may wait, after the legacy system's answer, for the one that is only compared.
SHADOW_SECONDS = 0.5
# Kept of the function's time for the answer.
_MARGIN_SECONDS = 1.0


@dataclass
class Strangler:
    """What it stands on.

    Attributes:
        settings: the table as it is now.
        server: the legacy system.
        ours: our own routes: an event to an answer; it may raise anything.
        secret: what requests are signed with; None when they are not.
        count: adds to a metric.
        clock: tells the time.
    """

    settings: Callable[[], LegacySettings]
    server: LegacyServer
    ours: Callable[[Mapping[str, Any]], Answer]
    secret: Callable[[], bytes | None]
    count: Callable[[str, int], None]
    clock: Clock
    _thread: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(1, thread_name_prefix="shadow"), init=False
    )
    _shadow: Future[Answer] | None = field(default=None, init=False)

    def answer(self, event: Mapping[str, Any], caller: Caller, prefix: str, seconds: float) -> Answer:
        """The answer to a request.

        Args:
            event: API Gateway's, of format 2.0.
            caller: whom an authorizer has let in.
            prefix: the part of the route that is ours, as `/legacy`.
            seconds: what is left of the function's time.

        Raises:
            InvalidInput: the request cannot be passed on.
            Unauthorized: an auth key is not for this method.
            LegacyError: the legacy system is not there, did not answer, or said too much.
        """
        asked = request.from_event(event, prefix)
        require_scope(caller, asked.method)
        known = self.settings()
        route = known.route(asked.method, asked.path)
        deadline = self.clock.monotonic() + max(0.0, seconds - _MARGIN_SECONDS)
        if route.to is Target.NEW:
            self.count("New", 1)
            return self.ours(own_event(event, asked))
        if known.base is None:
            raise errors.not_configured()
        compares = route.to is Target.SHADOW and asked.method in READING and self._begin(own_event(event, asked))
        reply = self._asked(known, known.base, asked, caller, deadline, plain=compares)
        self.count("Legacy", 1)
        if compares:
            self._compare(reply, route, asked.method, deadline)
        return reply

    def _asked(
        self, known: LegacySettings, base: BaseUrl, asked: Request, caller: Caller, deadline: float, *, plain: bool
    ) -> Answer:
        """The legacy system's answer; `plain`: not compressed, if it can help it."""
        target = asked.target(base)
        headers = dict(asked.headers)
        if not known.send_authorization or caller.kind is not CallerKind.USER:
            headers.pop("authorization", None)
        if plain:
            headers["accept-encoding"] = "identity"
        told = request.identity(caller)
        secret = self.secret()
        if secret is not None:
            now = self.clock.now_ms() // 1000
            told[signature.HEADER] = signature.signed(secret, now, asked.method, target, told, asked.body)
        question = Question(asked.method, target, headers | request.forwarded(asked) | told, asked.body)
        began = self.clock.monotonic()
        try:
            reply = self.server.ask(base, question, max(0.05, min(known.seconds, deadline - began)))
        except errors.LegacyError as error:
            self.count("LegacyFailed", 1)
            logger.warning("the legacy system fails with %d: %s", error.status, error.message)
            raise
        return answer.from_reply(reply, base, asked.prefix, target)

    def _begin(self, event: Mapping[str, Any]) -> bool:
        """Ask our own route besides; not while the last one that nobody waited for is still being answered."""
        if self._shadow is not None and not self._shadow.done():
            self.count("ShadowSkipped", 1)
            return False
        self._shadow = self._thread.submit(self.ours, event)
        return True

    def _compare(self, legacy: Answer, route: Route, method: str, deadline: float) -> None:
        """Compare. Whatever goes wrong on our side is counted and logged, and does not touch the caller."""
        assert self._shadow is not None
        if legacy["statusCode"] in (206, 304):  # a part, or that nothing is new to this caller
            self.count("ShadowSkipped", 1)
            return
        try:
            new = self._shadow.result(timeout=max(0.0, min(SHADOW_SECONDS, deadline - self.clock.monotonic())))
            found = shadow.differences(compared(legacy), compared(new), route.ignore, bodies=method != "HEAD")
        except FutureTimeoutError:
            self.count("ShadowLate", 1)
            return
        except Exception:
            self.count("ShadowFailed", 1)
            logger.exception("our answer to %s %s fails", method, route.path)
            return
        if found:
            self.count("ShadowDifferent", 1)
            logger.warning("our answer to %s %s differs: %s", method, route.path, "; ".join(found))
        else:
            self.count("ShadowSame", 1)


def require_scope(caller: Caller, method: str) -> None:
    """Let an auth key do what it is for; users are let in by their session alone.

    Raises:
        Unauthorized: it is not for this method.
    """
    needed = Scope.READ if method in READING else Scope.WRITE
    if caller.kind is CallerKind.LAMBDA and needed not in caller.scopes:
        raise Unauthorized(f"{method}.legacy")


def own_event(event: Mapping[str, Any], asked: Request) -> dict[str, Any]:
    """The same request as our own route would get it."""
    context = event["requestContext"]
    stage = context.get("stage")
    path = asked.path if not stage or stage == "$default" else f"/{stage}{asked.path}"
    http = {**context["http"], "path": path}
    return {**event, "rawPath": path, "requestContext": {**context, "http": http}, "pathParameters": {}}


def compared(given: Answer) -> shadow.Compared:
    """What of an answer is compared."""
    headers = {str(name).lower(): str(value) for name, value in (given.get("headers") or {}).items()}
    body = given.get("body") or ""
    content = base64.b64decode(body) if given.get("isBase64Encoded") else str(body).encode()
    return shadow.Compared(int(given["statusCode"]), headers.get("content-type", ""), content)
