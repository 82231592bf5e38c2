"""The tree of categories in one answer, level by level, as far as a bounded number of reads goes."""

from __future__ import annotations

from typing import TypedDict

from domain import validation
from domain.caller import Caller
from domain.shop import categories, category
from domain.shop.category import Category
from domain.table import Table
from domain.threads import Threads

MOST_READS = 100
"""Categories whose children are read, each by one query."""


class CategoryNode(Category):
    """A category with what is below it: in `children`, or null where the answer ends."""

    children: list[CategoryNode] | None


class CategoryTree(TypedDict):
    """A page of categories of one parent, or of roots, each with what is below it."""

    items: list[CategoryNode]
    nextToken: str | None


def read(
    table: Table,
    caller: Caller,
    threads: Threads,
    *,
    parent: str | None = None,
    depth: int | None = None,
    limit: int | None = None,
    next_token: str | None = None,
    now_ms: int,
) -> CategoryTree:
    """A page of a category's children, or of the roots, with what is below them.

    Args:
        table: the main table.
        caller: who asks.
        threads: in which the children of one level are read.
        parent: whose children; None for the roots.
        depth: how many levels, 1 to 8; all of them as a rule.
        limit: how many of the first level.
        next_token: of the page before.
        now_ms: epoch milliseconds.

    Raises:
        Unauthorized, InvalidInput, InvalidPageToken: the caller, the arguments.
        TableError: the table did not answer.
    """
    depth = validation.limit(depth, default=category.MAX_DEPTH, most=category.MAX_DEPTH, field="depth")
    found, token = categories.categories(
        table, caller, parent=parent, limit=limit, next_token=next_token, now_ms=now_ms
    )  # fmt: skip
    top = [_leaf(each) for each in found]
    level, left = top, MOST_READS
    for _ in range(depth - 1):
        asked, left = level[:left], left - min(left, len(level))

        def below(node: CategoryNode) -> list[Category]:
            return categories.children(table, caller, node["id"], now_ms=now_ms)

        level = []
        for node, children in zip(asked, threads(below, asked), strict=True):
            # A list that is as long as it can be may go on.
            node["children"] = [_leaf(each) for each in children] if len(children) < categories.MAX_CHILDREN else None
            level += node["children"] or []
    return {"items": top, "nextToken": token}


def _leaf(found: Category) -> CategoryNode:
    return {**found, "children": None}
