"""GraphQL documents: parsed and validated once per text, then taken from a cache."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, TypeVar

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLSyntaxError,
    InlineFragmentNode,
    Node,
    OperationDefinitionNode,
    SelectionSetNode,
    parse,
)

from local.appsync.errors import MalformedQueryError, MissingOperationNameError, OperationError, operation_error
from local.appsync.limits import Limits
from local.appsync.metrics import Metrics
from local.appsync.schema import Schema
from local.appsync.validation import validate

T = TypeVar("T")

LARGE_CHARACTERS = 3_000
"""A text beyond this is parsed, validated and compiled beside the event loop, so that nobody else waits for it. 15,000
tokens take some tenths of a second."""

LARGE_KEPT = 16
"""Of large documents."""

# One thread: whoever sends many large documents waits for their own.
_beside = ThreadPoolExecutor(1, thread_name_prefix="documents")


async def beside_when_large(text: str, read: Callable[[], T]) -> T:
    """What is to be done with a text, without holding the event loop up where that takes long."""
    if len(text) <= LARGE_CHARACTERS:
        return read()
    return await asyncio.get_running_loop().run_in_executor(_beside, read)


# What graphql-core's parser allows in one definition; execution recurses as deep as selection sets are nested.
MAX_NESTING = 200

EMPTY_BRACES = re.compile(r"\{[\s,]*\}")


@dataclass(eq=False)
class Document:
    """A parsed document. `errors` are its validation errors; `plans` is where compiled operations are kept."""

    text: str
    operations: list[OperationDefinitionNode]
    fragments: dict[str, FragmentDefinitionNode]
    errors: list[dict[str, Any]]
    plans: dict[Any, Any] = field(default_factory=dict)

    def operation(self, name: str | None) -> OperationDefinitionNode:
        """The operation to run. Raises OperationError, MissingOperationNameError."""
        if self.errors:
            raise OperationError(self.errors)
        if not name:
            if len(self.operations) != 1:
                raise MissingOperationNameError
            return self.operations[0]
        for operation in self.operations:
            if operation.name and operation.name.value == name:
                return operation
        raise OperationError([operation_error(f"Unknown operation named '{name}'.")])


class Documents:
    """The cache of one schema's documents, the least recently used thrown out."""

    def __init__(self, schema: Schema, limits: Limits, metrics: Metrics, *, introspection: bool) -> None:
        self._schema = schema
        self._limits = limits
        self._metrics = metrics
        self._introspection = introspection
        # A document takes about a kilobyte for each of its tokens: of large ones few are kept, or a flood would fill
        # the memory.
        self._small = lru_cache(maxsize=limits.cached_documents)(self._load)
        self._large = lru_cache(maxsize=LARGE_KEPT)(self._load)

    def load(self, text: str) -> Document:
        """The document of a text. Raises MalformedQueryError, OperationError (too long)."""
        return (self._small if len(text) <= LARGE_CHARACTERS else self._large)(text)

    def _load(self, text: str) -> Document:
        """Parses and validates a text. Raises MalformedQueryError, OperationError (too long).

        Python's recursion limit, whatever it is, may be met before the levels are counted: that is too deep as well.
        """
        document = self._parse(text)
        self._metrics.documents_validated += 1
        operations = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
        fragments = {n.name.value: n for n in document.definitions if isinstance(n, FragmentDefinitionNode)}
        try:
            errors = validate(self._schema.graphql, document, introspection=self._introspection)
            deepest = 0 if errors else _deepest(operations, fragments)
        except RecursionError:
            deepest = MAX_NESTING + 1
        if deepest > MAX_NESTING:
            raise MalformedQueryError(f"selection sets are nested deeper than {MAX_NESTING} levels")
        return Document(text, operations, fragments, errors)

    def _parse(self, text: str) -> DocumentNode:
        limit = self._limits.query_tokens
        try:
            # A text cannot have more tokens than characters, so most need no count.
            document = parse(text, max_lexical_tokens=limit if len(text) > limit else None)
        except GraphQLSyntaxError as error:
            if f"more than {limit}" in error.message:
                raise OperationError([operation_error("Maximum char length exceeded.")]) from None
            raise MalformedQueryError(error.message) from None
        # graphql-core takes `{}` for a selection set; the pattern also fits an empty input object, which is fine.
        if EMPTY_BRACES.search(text) and any(_has_empty_selection(node) for node in document.definitions):
            raise MalformedQueryError("empty selection set")
        return document


def _has_empty_selection(node: Node) -> bool:
    selection_set = getattr(node, "selection_set", None)
    if selection_set is None:
        return False
    return not selection_set.selections or any(_has_empty_selection(child) for child in selection_set.selections)


def _deepest(operations: list[OperationDefinitionNode], fragments: dict[str, FragmentDefinitionNode]) -> int:
    """How deep selection sets are nested when fragments are put in their place; there is no cycle among them."""
    known: dict[str, int] = {}

    def depth(selection_set: SelectionSetNode) -> int:
        deepest = 1
        for node in selection_set.selections:
            if isinstance(node, FragmentSpreadNode):
                name = node.name.value
                if name not in known:
                    known[name] = depth(fragments[name].selection_set)
                deepest = max(deepest, known[name])
            elif isinstance(node, FieldNode | InlineFragmentNode) and node.selection_set:
                deepest = max(deepest, 1 + depth(node.selection_set))
        return deepest

    return max((depth(operation.selection_set) for operation in operations), default=0)
