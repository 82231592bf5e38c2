"""The routes of this deployment, made at the first event and kept as long as the container lives."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import cache

from domain.caller import Caller
from domain.changes import ChangeLog
from domain.clock import SYSTEM
from domain.deletion import Deletion
from domain.pool import Pool, cognito
from domain.sessions import Sessions
from domain.settings import settings
from domain.shop.carts import Carts
from domain.shop.listing import Lists
from domain.shop.search import Search
from domain.table import Table, dynamodb
from domain.users import Users
from rest.routes import Shop

# What one answer reads side by side; `dynamodb()` keeps as many connections and more.
_READERS = 8


@cache
def sessions() -> Sessions:
    """Whose tokens still count."""
    return Sessions(Table(settings().main_table, dynamodb()), SYSTEM)


def admit(caller: Caller) -> None:
    """Let only those users pass whose token still counts. Raises Unauthorized."""
    sessions().require(caller, "Query.me")


@cache
def shop() -> Shop:
    """The shop, for reading."""
    here, client = settings(), dynamodb()
    table, index = Table(here.main_table, client), Table(here.search_table, client)
    log = ChangeLog(Table(here.change_log, client), here.retention_seconds, SYSTEM)
    threads = ThreadPoolExecutor(_READERS, thread_name_prefix="read").map
    return Shop(
        Lists(table, index), Search(table, index, threads, SYSTEM), Carts(table, log, SYSTEM, here.cart_seconds),
        threads, SYSTEM,
    )  # fmt: skip


@cache
def users() -> Users:
    """The users, for reading: the routes delete nobody, so nothing is named that would go with them."""
    here, client = settings(), dynamodb()
    table, pool = Table(here.main_table, client), Pool(here.user_pool_id, cognito())
    log = ChangeLog(Table(here.change_log, client), here.retention_seconds, SYSTEM)
    return Users(table, pool, log, Deletion(table, pool, SYSTEM, ()), SYSTEM, here.retention_seconds)
