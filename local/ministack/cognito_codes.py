"""Codes that user pools would mail or send: made here, told on the console, short-lived, and few guesses each."""

from __future__ import annotations

import logging
import secrets
import time
from typing import Any

from ministack.services import cognito

from local.ministack import process

logger = logging.getLogger("headwater.cognito")

CONFIRMATION_SECONDS = 24 * 3600.0
RESET_SECONDS = 3600.0
"""How long codes are valid (Developer Guide, "Signing up and confirming user accounts", "Forgot password")."""

GUESSES = 5
"""Wrong codes until the code is refused; Cognito's own number is between 5 and 20 (quotas page, "Confirm...")."""

_SECONDS = {"_confirmation_code": CONFIRMATION_SECONDS, "_reset_code": RESET_SECONDS}
KINDS = {"ConfirmSignUp": "_confirmation_code", "ConfirmForgotPassword": "_reset_code"}
"""The member of a user's record that holds the code which an action takes."""

Response = tuple[int, dict[str, str], bytes]
User = dict[str, Any]


def issue(user: User, kind: str, purpose: str) -> str:
    """A new code for a user, in the member `kind`; the one before is void. The user of this machine is told."""
    code = f"{secrets.randbelow(10**6):06}"
    user[kind] = code
    user[f"{kind}_issue"] = {"expires_at": time.time() + _SECONDS.get(kind, CONFIRMATION_SECONDS), "wrong": 0}
    tell(user, f"the code to {purpose} is {code}")
    return code


def tell(user: User, text: str) -> None:
    """Say on the console and in the log what Cognito would send to a user."""
    attributes = cognito._attr_list_to_dict(user.get("Attributes", []))
    name = attributes.get("email") or attributes.get("phone_number") or user["Username"]
    line = f"Cognito: for {name}, {text}"
    logger.info("%s", line)
    process.notifier.notice(line)


def drop_expired(user: User, kind: str) -> None:
    """A code that is too old is none."""
    issued = user.get(f"{kind}_issue")
    if issued and time.time() >= issued["expires_at"]:
        user.pop(kind, None)


def limit_guesses(user: User, kind: str) -> Response | None:
    """Count a wrong code; the error when there were too many."""
    issued = user.setdefault(f"{kind}_issue", {"expires_at": time.time() + RESET_SECONDS, "wrong": 0})
    issued["wrong"] += 1
    if issued["wrong"] <= GUESSES:
        return None
    error: Response = cognito.error_response_json(
        "LimitExceededException", "Attempt limit exceeded, please try after some time.", 400
    )
    return error


def delivery(user: User, attribute: str) -> dict[str, str]:
    """`CodeDeliveryDetails` for a code to an attribute, with the destination masked as Cognito does."""
    value = str(cognito._attr_list_to_dict(user.get("Attributes", [])).get(attribute, ""))
    if attribute == "phone_number":
        masked, medium = f"+{'*' * max(len(value) - 5, 0)}{value[-4:]}", "SMS"
    else:
        masked, medium = cognito._masked_destination(value), "EMAIL"
    return {"Destination": masked, "DeliveryMedium": medium, "AttributeName": attribute}
