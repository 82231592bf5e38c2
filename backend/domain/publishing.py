"""Publish mutations: signed with the function's own role, over one connection that stays open.

PublishError
├── Unreachable   429, 5xx, time-outs, broken connections, a missing right, a missing API, a schema that does not know
│                 the document, until the deadline: a later attempt may succeed
└── Refused       anything else that AppSync answers: the same call will fail again
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import urllib3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import NoCredentialsError
from botocore.session import get_session

from domain import backoff
from domain.clock import SYSTEM, Clock
from domain.envelopes import Envelope
from domain.publish_documents import DOCUMENTS
from domain.routing import End

_LONGEST_ANSWER_SECONDS = 10.0
# A right that was taken away, or an API that is gone, comes back by a deployment: no change is to blame.
_TRANSIENT_STATUS = frozenset({401, 403, 404, 408, 429})
_TRANSIENT_TYPES = (
    "TooManyRequests", "Throttling", "ExecutionTimeout", "InternalFailure", "ServiceUnavailable", "Unauthorized",
    "AccessDenied", "UnrecognizedClient", "ExpiredToken", "InvalidSignature",
)  # fmt: skip
# The document is the same for all changes. One that the schema does not know comes from a deployment that is under way.
_TRANSIENT_MESSAGE = "Validation error of type "


END_SUBSCRIPTIONS = "endSubscriptions"
END_DOCUMENT = "mutation EndSubscriptions($input: EndSubscriptionsInput!) { endSubscriptions(input: $input) { count } }"


class PublishError(Exception):
    """An envelope that AppSync did not take."""


class Unreachable(PublishError):
    """AppSync was busy, ill or silent until the time was over."""


class Refused(PublishError):
    """AppSync answered with errors. `errors` is its list."""

    def __init__(self, errors: list[Any]) -> None:
        first = errors[0] if errors else {}
        super().__init__(f"{first.get('errorType') or 'error'}: {first.get('message')}")
        self.errors = errors


def own_credentials() -> Credentials:
    """Those of the environment: in Lambda, of the function's role. They renew themselves.

    Raises:
        NoCredentialsError: there are none.
    """
    found = get_session().get_credentials()
    if found is None:
        raise NoCredentialsError
    return found


class _Transient(Exception):
    """One attempt that is worth another."""


class Publisher:
    """Calls one API's publish mutations."""

    def __init__(
        self,
        url: str,
        region: str,
        credentials: Credentials,
        clock: Clock = SYSTEM,
        http: urllib3.PoolManager | None = None,
    ) -> None:
        self._url = url
        self._region = region
        self._credentials = credentials
        self._clock = clock
        # Retries are ours: they must end before the function's time does.
        self._http = http or urllib3.PoolManager(maxsize=16, retries=False)

    def publish(self, envelope: Envelope, deadline: float) -> None:
        """Publish an envelope, trying again with full jitter until `deadline` (`clock.monotonic()`).

        Raises:
            Unreachable: the time was over.
            Refused: AppSync answered with an error that would come again.
        """
        mutation = envelope.topic.kind.mutation
        body = f'{{"query":{json.dumps(DOCUMENTS[mutation])},"variables":{{"input":{envelope.text}}}}}'.encode()
        self._call(mutation, body, f"{envelope.topic} {envelope.first_seq}-{envelope.last_seq}", deadline)

    def end(self, ends: Sequence[End], deadline: float) -> None:
        """End the subscriptions that rest on up to five rights, trying again as `publish` does.

        Raises:
            Unreachable, Refused: as `publish`.
        """
        given = [
            {"subscriptionField": end.kind.subscription, "topic": end.topic_name, "userId": end.subscriber}
            for end in ends
        ]
        body = json.dumps({"query": END_DOCUMENT, "variables": {"input": {"ends": given}}}).encode()
        self._call(END_SUBSCRIPTIONS, body, f"the end of {len(ends)} rights", deadline)

    def _call(self, mutation: str, body: bytes, what: str, deadline: float) -> None:
        obstacle: Exception | None = None
        for _ in backoff.attempts(deadline, first_seconds=0.05, longest_seconds=3.0, clock=self._clock):
            try:
                self._attempt(mutation, body, deadline)
            except (_Transient, urllib3.exceptions.HTTPError) as error:
                obstacle = error
            else:
                return
        raise Unreachable(f"{what}: {obstacle}") from obstacle

    def close(self) -> None:
        """Close the connections. In Lambda nobody does: they last as long as the container."""
        self._http.clear()

    def _attempt(self, mutation: str, body: bytes, deadline: float) -> None:
        # Signed anew at each attempt: signatures and temporary credentials expire.
        request = AWSRequest("POST", self._url, data=body, headers={"Content-Type": "application/json"})
        SigV4Auth(self._credentials, "appsync", self._region).add_auth(request)
        remaining = max(deadline - self._clock.monotonic(), 0.1)
        timeout = urllib3.Timeout(connect=min(2.0, remaining), read=min(_LONGEST_ANSWER_SECONDS, remaining))
        answer = self._http.request(
            "POST", self._url, body=body, headers=dict(request.headers.items()), timeout=timeout
        )
        if answer.status >= 500 or answer.status in _TRANSIENT_STATUS:
            raise _Transient(f"HTTP {answer.status} {answer.data[:200]!r}")
        content = _json_object(answer.data)
        if content is None and answer.status == 200:
            raise _Transient(f"HTTP 200 with no JSON object: {answer.data[:200]!r}")
        errors = (content or {}).get("errors") or []
        if any(map(_is_transient, errors)):
            raise _Transient(json.dumps(errors)[:500])
        if errors or answer.status != 200 or not ((content or {}).get("data") or {}).get(mutation):
            said = answer.data[:200].decode(errors="replace")
            raise Refused(errors or [{"errorType": f"HTTP {answer.status}", "message": said}])


def _json_object(text: bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(text)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _is_transient(error: Any) -> bool:
    if not isinstance(error, dict):
        return False
    return str(error.get("errorType")).startswith(_TRANSIENT_TYPES) or str(error.get("message")).startswith(
        _TRANSIENT_MESSAGE
    )
