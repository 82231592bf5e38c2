"""AWS Signature Version 4 for AppSync, made by botocore."""

from __future__ import annotations

from dataclasses import dataclass

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

_REALTIME_HEADERS = {
    "accept": "application/json, text/javascript",
    "content-encoding": "amz-1.0",
    "content-type": "application/json; charset=UTF-8",
}


@dataclass(frozen=True)
class Signer:
    """Signs with one principal's credentials."""

    access_key_id: str
    secret_access_key: str
    session_token: str | None
    region: str

    def http(self, url: str, body: bytes) -> dict[str, str]:
        """The headers of a signed POST."""
        return self._sign(url, body, {"content-type": "application/json"})

    def connect(self, url: str) -> dict[str, str]:
        """The header object of a real-time connect: signed for `/connect` below the HTTP endpoint."""
        return self._sign(f"{url}/connect", b"{}", _REALTIME_HEADERS)

    def start(self, url: str, data: str) -> dict[str, str]:
        """The header object of a `start`: signed for the HTTP endpoint and exactly `data`."""
        return self._sign(url, data.encode(), _REALTIME_HEADERS)

    def _sign(self, url: str, body: bytes, headers: dict[str, str]) -> dict[str, str]:
        host = url.split("/")[2]
        request = AWSRequest("POST", url, headers={**headers, "host": host}, data=body)
        credentials = Credentials(self.access_key_id, self.secret_access_key, self.session_token)
        SigV4Auth(credentials, "appsync", self.region).add_auth(request)
        return dict(request.headers.items())
