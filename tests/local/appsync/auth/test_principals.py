"""How long a principal is remembered."""

from __future__ import annotations

import asyncio

import pytest

from local.appsync.auth.policies import ACTION
from local.appsync.auth.principals import CACHE_SECONDS, Principals
from tests.local.appsync.serving import User, allow, policy


class Directory:
    """Counts its look-ups; `user` is whom it finds."""

    def __init__(self) -> None:
        self.user: User | None = User()
        self.lookups = 0
        self.failing = False

    async def __call__(self, access_key_id: str, session_token: str | None) -> User | None:  # noqa: ARG002
        self.lookups += 1
        await asyncio.sleep(0)
        if self.failing:
            raise OSError("the cloud is gone")
        return self.user


async def test_a_principal_is_remembered_for_two_seconds() -> None:
    now = 0.0
    directory = Directory()
    principals = Principals(directory, lambda: now)
    await principals.find("AKIA", None)
    now = CACHE_SECONDS - 0.1
    await principals.find("AKIA", None)
    assert directory.lookups == 1
    now = CACHE_SECONDS
    await principals.find("AKIA", None)
    await principals.find("AKIA", "token")
    assert directory.lookups == 3


async def test_requests_that_arrive_together_share_a_lookup() -> None:
    directory = Directory()
    principals = Principals(directory)
    await asyncio.gather(*(principals.find("AKIA", None) for _ in range(10)))
    assert directory.lookups == 1


async def test_forgetting_makes_a_changed_right_count_at_once() -> None:
    directory = Directory()
    principals = Principals(directory)
    known = await principals.find("AKIA", None)
    assert known is not None
    assert not known.may(ACTION, "arn", {})
    directory.user = User(policies=(policy(allow("*")),))
    principals.forget()
    known = await principals.find("AKIA", None)
    assert known is not None
    assert known.may(ACTION, "arn", {})


async def test_an_unknown_key_and_a_failure_are_not_remembered() -> None:
    directory = Directory()
    principals = Principals(directory)
    directory.failing = True
    with pytest.raises(OSError, match="gone"):
        await principals.find("AKIA", None)
    directory.failing, directory.user = False, None
    assert await principals.find("AKIA", None) is None
    directory.user = User()
    assert await principals.find("AKIA", None) is not None


async def test_boundaries_must_allow_too_and_root_needs_nothing() -> None:
    directory = Directory()
    principals = Principals(directory)
    rights, boundary = policy(allow("*")), policy(allow("arn:aws:s3:::*"))
    for user, expected in [
        (User(policies=(rights,)), True),
        (User(policies=(rights,), limits=((boundary,),)), False),
        (User(policies=(rights,), limits=((rights,), (rights,))), True),
        (User(root=True), True),
    ]:
        directory.user = user
        principals.forget()
        known = await principals.find("AKIA", None)
        assert known is not None
        assert known.may(ACTION, "arn:aws:appsync:x", {}) is expected
