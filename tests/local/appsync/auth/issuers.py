"""An identity provider for tests: real keys, real signatures, and an HTTP server that publishes the public half."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

NOW = 1_800_000_000
CURVES: Mapping[str, ec.EllipticCurve] = {"ES256": ec.SECP256R1(), "ES384": ec.SECP384R1(), "ES512": ec.SECP521R1()}

Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


@cache
def rsa_key(name: str, bits: int = 2048) -> rsa.RSAPrivateKey:
    """A key by a name that tests choose; making one takes a tenth of a second."""
    return rsa.generate_private_key(65537, bits)


@cache
def elliptic_key(algorithm: str) -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(CURVES[algorithm])


def jwk(key: Key, key_id: str | None, **members: Any) -> dict[str, Any]:
    """The public half as a JSON Web Key."""
    public = key.public_key()
    if isinstance(public, rsa.RSAPublicKey):
        found = RSAAlgorithm.to_jwk(public, as_dict=True)
    else:
        found = ECAlgorithm.to_jwk(public, as_dict=True)
    return {**found, **({} if key_id is None else {"kid": key_id}), **members}


def changed(claims: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Claims with some of them changed; None removes one."""
    return {name: value for name, value in {**claims, **changes}.items() if value is not None}


def sign(claims: Mapping[str, Any], key: Key, key_id: str | None, algorithm: str = "RS256", **header: Any) -> str:
    if key_id is not None:
        header["kid"] = key_id
    return jwt.encode(changed(claims, {}), key, algorithm, header)


def encode(header: Mapping[str, Any], claims: Mapping[str, Any] | bytes, signature: bytes = b"") -> str:
    """A token part by part, as an attacker would write it."""
    body = claims if isinstance(claims, bytes) else json.dumps(claims).encode()
    return ".".join(_base64(part) for part in (json.dumps(header).encode(), body, signature))


def sign_with_public_key(claims: Mapping[str, Any], key: rsa.RSAPrivateKey, key_id: str) -> str:
    """HS256 with the provider's public key, which everybody has, as the secret."""
    secret = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    unsigned = encode({"alg": "HS256", "typ": "JWT", "kid": key_id}, claims).removesuffix(".")
    return f"{unsigned}.{_base64(hmac.digest(secret, unsigned.encode(), hashlib.sha256))}"


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Publisher:
    """A web server. `documents` are its answers by path, JSON or bytes; `asked` are the paths that were asked for."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.documents: dict[str, Any] = {}
        self.redirects: dict[str, str] = {}
        self.asked: list[str] = []


@contextmanager
def publishing() -> Iterator[Publisher]:
    """Serve until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            publisher.asked.append(self.path)
            document = publisher.documents.get(self.path)
            body = document if isinstance(document, bytes) else json.dumps(document).encode()
            if self.path in publisher.redirects:
                self.send_response(302)
                self.send_header("location", publisher.redirects[self.path])
            else:
                self.send_response(404 if document is None else 200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - http.server's name
            """Not to stderr."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = False  # `server_close` waits for them
    publisher = Publisher(server.server_port)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield publisher
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
