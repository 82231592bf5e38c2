"""A user pool of a test's own, with the names and groups of the deployed one."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from domain.caller import GROUPS, OPERATORS, Caller, CallerKind
from domain.changes import ChangeLog
from domain.clock import Clock
from domain.deletion import Deletion, Removal
from domain.pool import Pool, cognito
from domain.table import Table
from domain.users import Users
from tests.conftest import CREDENTIALS

RETENTION_SECONDS = 24 * 3600
NOON = 1_795_262_400_000


@dataclass(frozen=True)
class SignedUp:
    """A user of a pool."""

    id: str
    name: str

    def caller(self, *groups: str, issued_at: int = NOON // 1000) -> Caller:
        """As whom AppSync lets them in."""
        return Caller(CallerKind.USER, self.id, self.name, frozenset(groups), issued_at)


class TestPool:
    """A pool on MiniStack."""

    __test__ = False

    def __init__(self, endpoint: str) -> None:
        self.client: Any = cognito(endpoint_url=endpoint, **CREDENTIALS)
        made = self.client.create_user_pool(PoolName=f"users-{uuid.uuid4()}", AliasAttributes=["email"])
        self.id = made["UserPool"]["Id"]
        for group in GROUPS:
            self.client.create_group(UserPoolId=self.id, GroupName=group)

    def sign_up(self, name: str) -> SignedUp:
        """A new user."""
        made = self.client.admin_create_user(
            UserPoolId=self.id, Username=name, MessageAction="SUPPRESS",
            UserAttributes=[{"Name": "email", "Value": f"{name}@example.com"}],
        )  # fmt: skip
        attributes = {each["Name"]: each["Value"] for each in made["User"]["Attributes"]}
        return SignedUp(attributes["sub"], name)

    def names(self) -> set[str]:
        """Who is there."""
        return {each["Username"] for each in self.client.list_users(UserPoolId=self.id)["Users"]}


def users_of(
    pool: TestPool,
    main_table: Table,
    log_table: Table,
    clock: Clock,
    *,
    client: Any = None,
    removals: tuple[Removal, ...] = (),
) -> Users:
    """The users context as one container has it; `client` is another Cognito client than the pool's own."""
    edge = Pool(pool.id, client or pool.client)
    log = ChangeLog(log_table, RETENTION_SECONDS, clock)
    return Users(main_table, edge, log, Deletion(main_table, edge, clock, removals), clock, RETENTION_SECONDS)


OPERATOR = Caller(CallerKind.USER, "11111111-0000-0000-0000-000000000000", "op", frozenset({OPERATORS}), NOON // 1000)
