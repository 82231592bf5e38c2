"""`nextToken`: DynamoDB's last evaluated key, sealed for one API, one field and one query.

A token that was altered, or that comes from another field, another API or another key condition, does not open: AppSync
answers it with an error and reads nothing.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
from typing import Any

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from local.appsync.datasources.dynamodb_values import Item, from_wire_item, to_wire_item
from local.appsync.datasources.interface import DataSourceError

# As AWS sends it (aws-amplify/amplify-cli issue 3411).
_INVALID = "com.amazonaws.deepdish.common.pagination.InvalidPaginationTokenException: Invalid pagination token given."
_NONCE_BYTES = 12
_VERSION = 3  # what AWS's tokens carry; theirs too are base64 of {"version", "token"}


class PageTokens:
    """Seals and opens the tokens of one API. `secret` may have any length."""

    def __init__(self, secret: bytes, api_id: str) -> None:
        self._cipher = AESGCM(hashlib.sha256(b"page tokens\0" + secret).digest())
        self._api_id = api_id

    def seal(self, key: Item, purpose: Any) -> str:
        """`purpose` is what the token is bound to, any JSON value."""
        nonce = os.urandom(_NONCE_BYTES)
        sealed = self._cipher.encrypt(nonce, orjson.dumps(from_wire_item(key)), self._bind(purpose))
        token = {"version": _VERSION, "token": base64.b64encode(nonce + sealed).decode()}
        return base64.b64encode(orjson.dumps(token)).decode()

    def open(self, token: Any, purpose: Any) -> Item:
        """The key inside a token. Raises DataSourceError for any token that `seal` did not make for this purpose."""
        try:
            sealed = base64.b64decode(orjson.loads(base64.b64decode(token, validate=True))["token"], validate=True)
            opened = self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], self._bind(purpose))
        except (binascii.Error, orjson.JSONDecodeError, InvalidTag, KeyError, TypeError, ValueError) as error:
            raise DataSourceError(_INVALID, "DynamoDB:UserIllegalArgumentException") from error
        return to_wire_item(orjson.loads(opened))

    def _bind(self, purpose: Any) -> bytes:
        return orjson.dumps([self._api_id, purpose], option=orjson.OPT_SORT_KEYS)
