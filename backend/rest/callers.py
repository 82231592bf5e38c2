"""Who calls, by what the HTTP API's authorizers say of a request."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from domain.caller import Caller, from_claims, from_jwt


def of(event: Mapping[str, Any]) -> Caller:
    """The user of a JWT, or the holder of an auth key. Both authorizers have checked what was shown.

    Raises:
        KeyError, ValueError: the route has no authorizer of ours, which is a defect of the template.
    """
    authorizer = event["requestContext"]["authorizer"]
    return from_jwt(authorizer["jwt"]["claims"]) if "jwt" in authorizer else from_claims(authorizer["lambda"])
