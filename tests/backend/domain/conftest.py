"""Chat on an empty table, and plain views of what the table holds."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from domain.changes import ChangeLog
from domain.chat import Chat
from domain.clock import SYSTEM
from domain.rooms import Rooms
from domain.table import Table, from_attributes

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

RETENTION_SECONDS = 24 * 3600


@pytest.fixture
def chat(main_table: Table, change_log_table: Table) -> Chat:
    """One container's chat."""
    log = ChangeLog(change_log_table, RETENTION_SECONDS, SYSTEM)
    return Chat(main_table, Rooms(main_table, RETENTION_SECONDS), log, RETENTION_SECONDS)


@pytest.fixture
def another_container(chat: Chat) -> Callable[[], Chat]:
    """The same chat as a container sees it that knows nothing yet."""
    return lambda: Chat(chat.table, Rooms(chat.table, RETENTION_SECONDS), chat.change_log, RETENTION_SECONDS)


@pytest.fixture
def all_items(dynamodb_client: DynamoDBClient) -> Callable[[Table], list[dict[str, Any]]]:
    """Every item of a table, expired ones too."""

    def scan(table: Table) -> list[dict[str, Any]]:
        pages = dynamodb_client.get_paginator("scan").paginate(TableName=table.name, ConsistentRead=True)
        return [from_attributes(item) for page in pages for item in page["Items"]]

    return scan
