"""Objects in a bucket: what has to be kept whole, whatever its size."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class BucketError(Exception):
    """S3 did not do it: an outage, a missing right, a missing bucket. It may or may not have been stored."""


def s3(**options: Any) -> S3Client:
    """A client for few and small objects."""
    config = Config(
        retries={"mode": "standard", "total_max_attempts": 3},
        connect_timeout=2,
        read_timeout=10,
        max_pool_connections=16,
    )
    return boto3.client("s3", config=config, **options)


class Bucket:
    """One bucket. Listing is strongly consistent, as all of S3 is since 2020."""

    def __init__(self, name: str, client: S3Client) -> None:
        self.name = name
        self._client = client

    def put(self, name: str, body: bytes) -> None:
        """Store an object in the place of any other. Raises BucketError."""
        with _errors():
            self._client.put_object(Bucket=self.name, Key=name, Body=body, ContentType="application/json")

    def get(self, name: str) -> bytes | None:
        """An object's content; None when there is none. Raises BucketError."""
        try:
            with _errors():
                return self._client.get_object(Bucket=self.name, Key=name)["Body"].read()
        except _Missing:
            return None

    def names(self, prefix: str, after: str = "") -> Iterator[str]:
        """The names that begin with a prefix and come after another one, in the order of their bytes.

        Raises:
            BucketError: at any step of the iteration.
        """
        while True:
            with _errors():
                page = self._client.list_objects_v2(Bucket=self.name, Prefix=prefix, StartAfter=after)
            found = [each["Key"] for each in page.get("Contents", [])]
            yield from found
            if not page.get("IsTruncated") or not found:
                return
            after = found[-1]

    def delete(self, name: str) -> None:
        """Remove an object, if there is one. Raises BucketError."""
        with _errors():
            self._client.delete_object(Bucket=self.name, Key=name)


class _Missing(Exception):
    pass


@contextmanager
def _errors() -> Iterator[None]:
    try:
        yield
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code in {"NoSuchKey", "404"}:
            raise _Missing from error
        raise BucketError(str(error)) from error
    except BotoCoreError as error:
        raise BucketError(str(error)) from error
