"""The HTTP data source (reference sheet, section 4.7): one endpoint, any path, optionally signed for an AWS service.

Any answer is a result, whatever its status; `ctx.error` is for requests that got none. Redirects are not followed.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import urllib3
from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as Keys
from botocore.exceptions import BotoCoreError, ClientError
from urllib3.util import parse_url

from local.appsync.datasources.http_requests import HttpRequest, charset, read
from local.appsync.datasources.interface import DataSourceError, RoleCredentials
from local.appsync.datasources.threads import in_http_thread

if TYPE_CHECKING:
    from local.appsync.context import ResolverContext

TIMEOUT_SECONDS = 30.0  # AppSync waits no longer for a data source
ANSWER_SECONDS = 0.5
"""What of a request's time is left for handlers when a source's is over: they were seen with a time-out in `ctx.error`
(aws-appsync-community #386), although request and source have the same limit."""
MAX_RESPONSE_BYTES = 5_000_000
"""What a handler may be given (quota of the evaluated request and response); AWS documents no other limit."""

_CHUNK_BYTES = 65_536
_USER_AGENT = "headwater-appsync"

# Requests are sent as handlers made them: no retries, no redirects, and the environment's proxies are not read.
_pool = urllib3.PoolManager(num_pools=32, maxsize=32, retries=False)


@dataclass(frozen=True)
class Address:
    """Where the requests to an endpoint are sent: a base URL, and the Host header in place of the URL's own."""

    url: str
    host: str | None = None


@dataclass(frozen=True)
class Signing:
    """`AuthorizationConfig` with `AWS_IAM`: who signs, for which service and region."""

    role_arn: str
    region: str
    service: str


class HttpDataSource:
    """Sends requests to one address."""

    def __init__(
        self,
        address: Address,
        *,
        signing: Signing | None = None,
        credentials: RoleCredentials | None = None,
        timeout_seconds: float = TIMEOUT_SECONDS,
        max_response_bytes: int = MAX_RESPONSE_BYTES,
    ) -> None:
        """`credentials` are needed with `signing` only."""
        self.address = address
        self.signing = signing
        self._credentials = credentials
        self._timeout_seconds = timeout_seconds
        self._max_response_bytes = max_response_bytes

    async def call(self, request: Any, context: ResolverContext) -> Any:
        """`{statusCode, headers, body}`; raises DataSourceError of types `Http:...` when there is no answer."""
        message = read(request)
        url = str(parse_url(self.address.url.rstrip("/") + message.target))  # normalized as it will be sent
        seconds = self._timeout_seconds
        if context.deadline is not None:
            left = context.deadline - asyncio.get_running_loop().time()
            seconds = max(0.0, min(seconds, left - ANSWER_SECONDS))
        try:
            async with asyncio.timeout(seconds):
                headers = await self._headers(message, url)
                return await in_http_thread(lambda: self._send(message, url, headers))
        except TimeoutError:
            raise _timed_out() from None

    async def _headers(self, message: HttpRequest, url: str) -> urllib3.HTTPHeaderDict:
        headers = urllib3.HTTPHeaderDict(message.headers)
        headers["User-Agent"] = _USER_AGENT
        host = self.address.host or urlsplit(url).netloc
        headers["Host"] = host
        if self.signing is not None:
            assert self._credentials is not None
            keys = await _role_keys(self._credentials(self.signing.role_arn))
            return _signed(message, urlsplit(url)._replace(netloc=host).geturl(), headers, keys, self.signing)
        return headers

    def _send(self, request: HttpRequest, url: str, headers: urllib3.HTTPHeaderDict) -> dict[str, Any]:
        """Blocks, for no longer than the time limit (and once more if the other side drips its headers)."""
        deadline = time.monotonic() + self._timeout_seconds
        try:
            response = _pool.request(
                request.method,
                url,
                body=request.body,
                headers=headers,
                timeout=urllib3.Timeout(total=self._timeout_seconds),
                redirect=False,
                preload_content=False,
            )
            try:
                body = self._read(response, deadline)
            except BaseException:
                response.close()  # the rest is not awaited, so this connection serves no other request
                raise
            response.release_conn()
        except (urllib3.exceptions.HTTPError, OSError) as error:
            # A refused connection is a "timeout" by urllib3's classes.
            refused = isinstance(error, urllib3.exceptions.NewConnectionError)
            if isinstance(error, urllib3.exceptions.TimeoutError) and not refused:
                raise _timed_out() from None
            # The class that AppSync logs (aws-appsync-community #79); its name as the type is our reading.
            message = f"Unable to execute HTTP request to {headers['Host']}: {_reason(error)}"
            raise DataSourceError(message, "Http:HttpRequestException") from error
        encoding = charset(response.headers.get("content-type"))
        return {
            "statusCode": response.status,
            "headers": _plain_headers(response.headers.items()),
            "body": body.decode(encoding, "replace"),
        }

    def _read(self, response: urllib3.BaseHTTPResponse, deadline: float) -> bytes:
        parts: list[bytes] = []
        size = 0
        for part in response.stream(_CHUNK_BYTES, decode_content=True):
            size += len(part)
            if size > self._max_response_bytes:
                limit = f"The response is larger than {self._max_response_bytes} bytes."
                raise DataSourceError(limit, "Http:HttpRequestException")
            if time.monotonic() > deadline:
                raise _timed_out()
            parts.append(part)
        return b"".join(parts)


async def _role_keys(credentials: Awaitable[Any]) -> Keys:
    try:
        found = await credentials
    except ClientError as error:
        details = error.response["Error"]
        raise DataSourceError(details["Message"], f"Http:{details['Code']}") from error
    except BotoCoreError as error:
        raise DataSourceError(str(error), "Http:SdkClientException") from error
    return Keys(found.access_key_id, found.secret_access_key, found.session_token)


def _signed(
    message: HttpRequest, url: str, headers: urllib3.HTTPHeaderDict, keys: Keys, signing: Signing
) -> urllib3.HTTPHeaderDict:
    """The headers with a signature; repeated ones are joined, as the signature has them."""
    request = AWSRequest(message.method, url, dict(headers.itermerged()), message.body or b"")
    sign: Callable[..., SigV4Auth] = S3SigV4Auth if signing.service == "s3" else SigV4Auth
    sign(keys, signing.service, signing.region).add_auth(request)
    return urllib3.HTTPHeaderDict({name: str(value) for name, value in request.headers.items()})


def _plain_headers(items: Iterable[tuple[str, str]]) -> dict[str, str | list[str]]:
    """Names as they were sent; one that comes several times has a list, as in `ctx.request.headers`."""
    headers: dict[str, str | list[str]] = {}
    for name, value in items:
        held = headers.get(name)
        if held is None:
            headers[name] = value
        elif isinstance(held, list):
            held.append(value)
        else:
            headers[name] = [held, value]
    return headers


def _timed_out() -> DataSourceError:
    return DataSourceError("Execution timed out.", "Http:ExecutionTimeoutException")


def _reason(error: BaseException) -> str:
    """The innermost reason, without urllib3's object addresses."""
    while error.__cause__ is not None:
        error = error.__cause__
    return str(error)
