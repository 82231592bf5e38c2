"""Verification of AWS Signature Version 4 as the service does it, for `appsync`.

The rules and texts are those of the IAM User Guide, "Create a signed AWS API request" and "Troubleshoot Signature
Version 4"; AppSync wraps a wrong signature as `BadRequestException` 400 (aws-sdk-java #2583, sdk-js #561) and an
unknown key as `UnrecognizedClientException` 403 (amplify-js #3447).
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from urllib.parse import quote, unquote

from local.appsync.auth.credentials import AuthenticationError, Credentials

ALGORITHM = "AWS4-HMAC-SHA256"
SERVICE = "appsync"
TERMINATOR = "aws4_request"
MAX_SKEW = timedelta(minutes=5)

_MISMATCH = (
    "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key "
    "and signing method. Consult the service documentation for details."
)
_TIMESTAMP = "%Y%m%dT%H%M%SZ"
_SPACES = re.compile(r" +")


@dataclass(frozen=True)
class Signature:
    """The parts of an `Authorization: AWS4-HMAC-SHA256 ...` header; `timestamp` is the request's own time in UTC."""

    access_key_id: str
    date: str
    region: str
    signed_headers: tuple[str, ...]
    signature: str
    timestamp: datetime
    session_token: str | None

    @property
    def scope(self) -> str:
        """The credential scope that enters the string to sign."""
        return f"{self.date}/{self.region}/{SERVICE}/{TERMINATOR}"


def is_signature(authorization: str) -> bool:
    """Whether an `Authorization` value is a SigV4 signature by its shape."""
    return authorization.startswith("AWS4-")


def parse(credentials: Credentials, region: str, now: datetime) -> Signature:
    """Read the signature of a request and check all that needs no secret: parts, scope and clock.

    Raises:
        AuthenticationError: with AWS's text for the first rule that it breaks.
    """
    authorization = credentials.header("authorization") or ""
    algorithm, _, rest = authorization.partition(" ")
    if algorithm != ALGORITHM:
        raise _incomplete(f"Unsupported AWS 'algorithm': '{algorithm}'.")
    parts = dict(part.strip().partition("=")[::2] for part in rest.split(",") if "=" in part)
    stamp = credentials.header("x-amz-date") or credentials.header("date")
    missing = [
        f"Authorization header requires '{name}' parameter."
        for name in ("Credential", "Signature", "SignedHeaders")
        if not parts.get(name)
    ]
    if not stamp:
        missing.append("Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.")
    if missing or not stamp:
        raise _incomplete(f"{' '.join(missing)} Authorization={algorithm}")
    access_key_id, date, scope_region, service, terminator = _split_credential(parts["Credential"])
    signed_headers = tuple(parts["SignedHeaders"].split(";"))
    timestamp = _timestamp(stamp)
    _check_scope(date, scope_region, service, terminator, region, timestamp)
    if "host" not in signed_headers:
        raise _invalid("'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.")
    _check_clock(timestamp, now)
    token = credentials.header("x-amz-security-token")
    return Signature(access_key_id, date, scope_region, signed_headers, parts["Signature"], timestamp, token)


def verify(signature: Signature, credentials: Credentials, secret_access_key: str) -> None:
    """Check that the request was signed with the secret.

    Raises:
        AuthenticationError: it was not; the text holds the canonical request and the string to sign, as AWS's does.
    """
    expected = [_texts(signature, credentials, path) for path in credentials.paths]
    key = _signing_key(secret_access_key, signature.date, signature.region)
    for _, to_sign in expected:
        calculated = hmac.digest(key, to_sign.encode(), "sha256").hex()
        if hmac.compare_digest(calculated.encode(), signature.signature.encode("utf-8", "replace")):
            return
    canonical, to_sign = expected[0]
    raise AuthenticationError(
        "BadRequestException",
        f"{_MISMATCH}\n\nThe Canonical String for this request should have been\n'{canonical}'\n\n"
        f"The String-to-Sign should have been\n'{to_sign}'\n",
        400,
    )


def unknown_principal() -> AuthenticationError:
    """The answer for an access key or session token that nobody has."""
    return AuthenticationError(
        "UnrecognizedClientException", "The security token included in the request is invalid.", 403
    )


def _texts(signature: Signature, credentials: Credentials, path: str) -> tuple[str, str]:
    canonical = "\n".join(
        (
            credentials.method,
            _canonical_path(path),
            _canonical_query(credentials.query),
            *(f"{name}:{_canonical_value(credentials, name)}" for name in signature.signed_headers),
            "",
            ";".join(signature.signed_headers),
            hashlib.sha256(credentials.body).hexdigest(),
        )
    )
    digest = hashlib.sha256(canonical.encode("utf-8", "surrogateescape")).hexdigest()
    return canonical, "\n".join((ALGORITHM, signature.timestamp.strftime(_TIMESTAMP), signature.scope, digest))


def _canonical_path(path: str) -> str:
    # Every service but S3 signs the path encoded twice: the path is on the wire encoded once already.
    return quote(path, safe="/-_.~") or "/"


def _canonical_query(query: str) -> str:
    pairs = [pair.partition("=")[::2] for pair in query.split("&") if pair]
    encoded = [(quote(unquote(name), safe="-_.~"), quote(unquote(value), safe="-_.~")) for name, value in pairs]
    return "&".join(f"{name}={value}" for name, value in sorted(encoded))


def _canonical_value(credentials: Credentials, name: str) -> str:
    value = credentials.headers.get(name, "")
    values: Sequence[str] = [value] if isinstance(value, str) else value
    return ",".join(_SPACES.sub(" ", item.strip()) for item in values)


def _split_credential(credential: str) -> tuple[str, str, str, str, str]:
    # An access key id has no slash, but the format allows it: the scope is the last four parts.
    parts = credential.rsplit("/", 4)
    if len(parts) != 5:
        raise _incomplete(
            "Credential must have at least 5 slash-delimited elements, e.g. "
            f"keyid/date/region/service/term, got '{credential}'."
        )
    return parts[0], parts[1], parts[2], parts[3], parts[4]


def _check_scope(date: str, scope_region: str, service: str, terminator: str, region: str, timestamp: datetime) -> None:
    problems = []
    if scope_region != region:
        problems.append(f"Credential should be scoped to a valid region, not '{scope_region}'.")
    if service != SERVICE:
        problems.append(f"Credential should be scoped to correct service: '{SERVICE}'.")
    if terminator != TERMINATOR:
        problems.append(f"Credential should be scoped with a valid terminator: '{TERMINATOR}', not '{terminator}'.")
    expected = timestamp.strftime("%Y%m%d")
    if date != expected:
        problems.append(
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: "
            f"'{date}' != '{expected}', from '{timestamp.strftime(_TIMESTAMP)}'."
        )
    if problems:
        raise _invalid(" ".join(problems))


def _check_clock(timestamp: datetime, now: datetime) -> None:
    moment, at = timestamp.strftime(_TIMESTAMP), now.strftime(_TIMESTAMP)
    earliest, latest = now - MAX_SKEW, now + MAX_SKEW
    if timestamp < earliest.replace(microsecond=0):
        raise _invalid(
            f"Signature expired: {moment} is now earlier than {earliest.strftime(_TIMESTAMP)} ({at} - 5 min.)"
        )
    if timestamp > latest:
        raise _invalid(
            f"Signature not yet current: {moment} is still later than {latest.strftime(_TIMESTAMP)} ({at} + 5 min.)"
        )


def _timestamp(value: str) -> datetime:
    for form in (_TIMESTAMP, "%a, %d %b %Y %H:%M:%S GMT"):
        try:
            return datetime.strptime(value, form).replace(tzinfo=UTC)
        except ValueError:
            continue
    raise _incomplete(
        f"Date must be in ISO-8601 'basic format'. Got '{value}'. See http://en.wikipedia.org/wiki/ISO_8601"
    )


@lru_cache(maxsize=256)
def _signing_key(secret_access_key: str, date: str, region: str) -> bytes:
    key = f"AWS4{secret_access_key}".encode()
    for part in (date, region, SERVICE, TERMINATOR):
        key = hmac.digest(key, part.encode("utf-8", "replace"), "sha256")
    return key


def _incomplete(message: str) -> AuthenticationError:
    return AuthenticationError("IncompleteSignatureException", message, 400)


def _invalid(message: str) -> AuthenticationError:
    return AuthenticationError("InvalidSignatureException", message, 403)
