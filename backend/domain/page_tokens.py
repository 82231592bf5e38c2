"""Opaque page tokens that only fit the list they come from."""

import base64
import binascii
import hashlib
import json

from domain.errors import InvalidPageToken

_DIGEST_BYTES = 9


def encode(position: str, *list_key: str) -> str:
    """A token for a position in the list that `list_key` names (the field and the arguments that define the list)."""
    content = position.encode()
    return base64.urlsafe_b64encode(_digest(content, list_key) + content).decode().rstrip("=")


def decode(token: str, *list_key: str) -> str:
    """The position inside a token.

    The digest is no signature: a forged token can only name another position in a list that its maker may read anyway.

    Raises:
        InvalidPageToken: the token is broken or of another list.
    """
    try:
        raw = base64.b64decode(token.encode("ascii") + b"=" * (-len(token) % 4), altchars=b"-_", validate=True)
        digest, content = raw[:_DIGEST_BYTES], raw[_DIGEST_BYTES:]
        if digest != _digest(content, list_key):
            raise InvalidPageToken
        return content.decode()
    except (UnicodeError, binascii.Error) as error:
        raise InvalidPageToken from error


def _digest(content: bytes, list_key: tuple[str, ...]) -> bytes:
    return hashlib.sha256(json.dumps(list_key).encode() + b"\0" + content).digest()[:_DIGEST_BYTES]
