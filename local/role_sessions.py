"""Sessions of roles that AWS services assume: one for each use, renewed before it expires."""

from __future__ import annotations

import json
import time
import urllib.error
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

RENEW_BEFORE_SECONDS = 300.0
"""Credentials are renewed this long before they expire, so that none expires in a worker's hands."""

Request = Callable[[str, str, object], Any]
"""Method, path and JSON content of a request to MiniStack, to the answer's JSON; blocks."""


class NotTrusted(Exception):
    """A role does not exist, or does not trust the service that is to assume it."""


@dataclass(frozen=True)
class Credentials:
    """Temporary credentials of a role; `expires_at` in epoch seconds."""

    access_key_id: str
    secret_access_key: str
    session_token: str
    expires_at: float


class RoleSessions:
    """Assumes roles as AWS services do. Thread safe: at worst, two threads assume one role."""

    def __init__(self, request: Request) -> None:
        self._request = request
        self._known: dict[tuple[str, str, str, str | None], Credentials] = {}

    def get(self, role_arn: str, session_name: str, service: str, source_arn: str | None = None) -> Credentials:
        """Credentials of a role for a service (`lambda.amazonaws.com`), on behalf of the resource `source_arn`. Blocks.

        Raises NotTrusted.
        """
        key = (role_arn, session_name, service, source_arn)
        known = self._known.get(key)
        if known is None or known.expires_at - time.time() < RENEW_BEFORE_SECONDS:
            known = self._known[key] = self._assume(*key)
        return known

    def forget(self) -> None:
        """Assume roles anew when they are next needed: their trust policies may have changed."""
        self._known.clear()

    def _assume(self, role_arn: str, session_name: str, service: str, source_arn: str | None) -> Credentials:
        question = {"roleArn": role_arn, "sessionName": session_name, "service": service, "sourceArn": source_arn}
        try:
            answer = self._request("POST", "/_headwater/assume", question)
        except urllib.error.HTTPError as error:
            with error:
                if error.code == 403:
                    raise NotTrusted(json.loads(error.read())["message"]) from None
                raise
        return Credentials(
            access_key_id=answer["accessKeyId"],
            secret_access_key=answer["secretAccessKey"],
            session_token=answer["sessionToken"],
            expires_at=answer["expiresAt"],
        )
