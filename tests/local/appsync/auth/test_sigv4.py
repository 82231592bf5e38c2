"""Signature verification against botocore's signer: what passes, and AWS's text for what does not."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as Keys

from local.appsync.auth import sigv4
from local.appsync.auth.credentials import AuthenticationError, Credentials

SECRET = "secret"


def signed(
    url: str = "http://localhost:4000/graphql",
    body: bytes = b"{}",
    *,
    method: str = "POST",
    service: str = "appsync",
    region: str = "us-east-1",
    token: str | None = None,
    headers: dict[str, str] | None = None,
) -> Credentials:
    """A request as botocore signs it, now."""
    request = AWSRequest(method, url, headers or {}, body)
    SigV4Auth(Keys("AKIA", SECRET, token), service, region).add_auth(request)
    parts = urlsplit(url)
    found: dict[str, str | list[str]] = {name.lower(): value for name, value in request.headers.items()}
    return Credentials(found | {"host": parts.netloc}, method, (parts.path,), parts.query, body)


def check(credentials: Credentials, *, at: datetime | None = None, secret: str = SECRET) -> sigv4.Signature:
    signature = sigv4.parse(credentials, "us-east-1", at or datetime.now(UTC))
    sigv4.verify(signature, credentials, secret)
    return signature


def refused(credentials: Credentials, *, at: datetime | None = None, secret: str = SECRET) -> AuthenticationError:
    with pytest.raises(AuthenticationError) as error:
        check(credentials, at=at, secret=secret)
    return error.value


def changed(credentials: Credentials, old: str, new: str) -> Credentials:
    authorization = str(credentials.headers["authorization"])
    assert old in authorization
    return replace(credentials, headers={**credentials.headers, "authorization": authorization.replace(old, new)})


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost:4000/graphql",
        "https://api.appsync-api.us-east-1.amazonaws.com/graphql/connect",
        "http://localhost/graphql?b=2&a=1&a=0&empty=&plus=a%2Bb&space=%20&%C3%BC=%C3%BC",
        "http://localhost/with%20space/graphql",
    ],
)
@pytest.mark.parametrize("body", [b"", b"{}", '{"query":"{ ü }"}'.encode()])
def test_what_botocore_signs_is_accepted(url: str, body: bytes) -> None:
    check(signed(url, body))
    check(signed(url, body, method="GET"))


def test_headers_with_inner_spaces_and_unsigned_headers_are_accepted() -> None:
    credentials = signed(headers={"content-type": "application/json;   charset=UTF-8", "x-custom": "  a   b "})
    check(replace(credentials, headers={**credentials.headers, "x-amz-user-agent": "aws-amplify/6"}))


def test_the_session_token_and_the_parts_are_read() -> None:
    signature = check(signed(token="session"))
    assert (signature.access_key_id, signature.region, signature.session_token) == ("AKIA", "us-east-1", "session")


@pytest.mark.parametrize(
    "change",
    [
        {"body": b"{ }"},
        {"method": "GET"},
        {"paths": ("/graphql/connect",)},
        {"query": "a=1"},
    ],
)
def test_a_changed_request_is_refused(change: dict[str, object]) -> None:
    assert refused(replace(signed(), **change)).error_type == "BadRequestException"  # type: ignore[arg-type]


def test_a_changed_signed_header_is_refused() -> None:
    credentials = signed(token="session")
    for name in ("host", "x-amz-security-token"):
        changed_headers = {**credentials.headers, name: "other"}
        assert refused(replace(credentials, headers=changed_headers)).error_type == "BadRequestException"


def test_any_of_several_paths_may_have_been_signed() -> None:
    check(replace(signed(), paths=("/elsewhere", "/graphql")))


def test_the_refusal_shows_the_canonical_request_and_the_string_to_sign() -> None:
    credentials = signed()
    error = refused(credentials, secret="other")
    stamp = credentials.headers["x-amz-date"]
    empty_object = "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
    canonical = f"POST\n/graphql\n\nhost:localhost:4000\nx-amz-date:{stamp}\n\nhost;x-amz-date\n{empty_object}"
    assert error.status == 400
    assert error.message.startswith(
        "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access "
        "Key and signing method. Consult the service documentation for details.\n\n"
        f"The Canonical String for this request should have been\n'{canonical}'\n\n"
        f"The String-to-Sign should have been\n'AWS4-HMAC-SHA256\n{stamp}\n"
    )


def test_the_clock_may_differ_by_five_minutes() -> None:
    now = datetime.now(UTC)
    credentials = signed()
    check(credentials, at=now + timedelta(seconds=295))
    check(credentials, at=now - timedelta(seconds=295))
    expired = refused(credentials, at=now + timedelta(seconds=310))
    assert (expired.error_type, expired.status) == ("InvalidSignatureException", 403)
    assert expired.message.startswith(f"Signature expired: {credentials.headers['x-amz-date']} is now earlier than ")
    assert expired.message.endswith(" - 5 min.)")
    early = refused(credentials, at=now - timedelta(seconds=310))
    assert early.message.startswith(f"Signature not yet current: {credentials.headers['x-amz-date']} is still later ")


def test_another_region_or_service_is_refused() -> None:
    assert refused(signed(region="eu-west-1")).message == (
        "Credential should be scoped to a valid region, not 'eu-west-1'."
    )
    assert refused(signed(service="execute-api")).message == (
        "Credential should be scoped to correct service: 'appsync'."
    )


def test_the_scopes_date_must_be_the_requests() -> None:
    credentials = signed()
    today = str(credentials.headers["x-amz-date"])[:8]
    error = refused(changed(credentials, f"/{today}/", "/20200101/"))
    assert error.message.startswith("Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date")


def test_the_host_must_be_signed() -> None:
    assert "must be a 'SignedHeader'" in refused(changed(signed(), "host;", "")).message


@pytest.mark.parametrize(
    ("authorization", "message"),
    [
        (
            "AWS4-HMAC-SHA256 Signature=0",
            "Authorization header requires 'Credential' parameter. Authorization header requires 'SignedHeaders' "
            "parameter. Authorization=AWS4-HMAC-SHA256",
        ),
        ("AWS4-ECDSA-P256-SHA256 Credential=a", "Unsupported AWS 'algorithm': 'AWS4-ECDSA-P256-SHA256'."),
        ("AWS4-HMAC-SHA256 Credential=AKIA, SignedHeaders=host, Signature=0", "Credential must have at least 5"),
        ("AWS4-HMAC-SHA256", "Authorization header requires 'Credential' parameter."),
    ],
)
def test_an_incomplete_signature_is_refused(authorization: str, message: str) -> None:
    credentials = signed()
    error = refused(replace(credentials, headers={**credentials.headers, "authorization": authorization}))
    assert (error.error_type, error.status) == ("IncompleteSignatureException", 400)
    assert message in error.message


@pytest.mark.parametrize("stamp", ["", "yesterday", "2026-11-21T00:00:00Z"])
def test_a_missing_or_unreadable_date_is_refused(stamp: str) -> None:
    credentials = signed()
    assert refused(replace(credentials, headers={**credentials.headers, "x-amz-date": stamp})).status == 400


def test_a_signature_that_is_not_ascii_is_refused() -> None:
    assert refused(changed(signed(), "Signature=", "Signature=ü")).error_type == "BadRequestException"
