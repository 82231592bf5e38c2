"""Where the API is: from the arguments, or from the `outputs.json` that a running local instance keeps."""

from __future__ import annotations

import json
import os
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from headwater.errors import NoEndpoint


@dataclass(frozen=True, slots=True)
class Endpoint:
    """`url` answers queries and mutations, `realtime_url` is the WebSocket; `region` signs IAM requests.

    `ca_file` is a certificate authority to trust besides the system's, such as the local instance's own.
    """

    url: str
    realtime_url: str
    api_key: str | None = None
    region: str | None = None
    ca_file: Path | None = None

    @property
    def host(self) -> str:
        """The host that AppSync checks credentials against: the one of `url`, with its port."""
        return urlsplit(self.url).netloc

    def tls_context(self) -> ssl.SSLContext | None:
        """What verifies the server's certificate, where that is not the default.

        Raises:
            NoEndpoint: `ca_file` is not there or holds no certificate.
        """
        if self.ca_file is None:
            return None
        context = ssl.create_default_context()
        try:
            context.load_verify_locations(self.ca_file)
        except (OSError, ssl.SSLError) as error:
            raise NoEndpoint(f"the certificate authority {self.ca_file} cannot be read: {error}") from error
        return context


def endpoint(
    *,
    url: str | None = None,
    realtime_url: str | None = None,
    api_key: str | None = None,
    region: str | None = None,
    ca_file: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> Endpoint:
    """The endpoint that the arguments name; without `url` the local instance's.

    Raises:
        NoEndpoint: no `url`, and no `outputs.json` where one is expected.
    """
    if url is not None:
        return Endpoint(url, realtime_url or realtime_url_of(url), api_key, region, ca_file)
    found = local_endpoint(os.environ if environment is None else environment)
    return Endpoint(
        found.url, realtime_url or found.realtime_url, api_key or found.api_key, region or found.region, ca_file
    )


def local_endpoint(environment: Mapping[str, str]) -> Endpoint:
    """The running local instance, by `$HEADWATER_STATE/outputs.json` (`.headwater/outputs.json` by default)."""
    file = Path(environment.get("HEADWATER_STATE") or ".headwater") / "outputs.json"
    try:
        outputs = json.loads(file.read_text("utf-8"))
        return Endpoint(outputs["graphql"], outputs["realtime"], outputs.get("apiKey"), outputs.get("region"))
    except FileNotFoundError:
        raise NoEndpoint(f"no {file}: start an instance with `make dev`, set HEADWATER_STATE, or pass url=") from None
    except (ValueError, KeyError, TypeError) as error:
        raise NoEndpoint(f"{file} is not the outputs of an instance: {error!r}") from error


def realtime_url_of(url: str) -> str:
    """The WebSocket of a GraphQL URL: AppSync's realtime host, and `/realtime` below the path for any other host.

    Source: AppSync Developer Guide, "Building a real-time WebSocket client" and "custom domain names".
    """
    parts = urlsplit(url)
    scheme = {"http": "ws", "https": "wss"}.get(parts.scheme, parts.scheme)
    if ".appsync-api." in parts.netloc:
        netloc = parts.netloc.replace(".appsync-api.", ".appsync-realtime-api.")
        return parts._replace(scheme=scheme, netloc=netloc).geturl()
    return parts._replace(scheme=scheme, path=f"{parts.path.rstrip('/')}/realtime").geturl()
