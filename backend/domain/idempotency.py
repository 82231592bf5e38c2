"""Mutations that happen once: a marker, written in the transaction of the effect, under the client's own id.

The marker keeps what the server chose (ids, time); all else of the answer follows from the input, which a repeat must
bring again unchanged. So a repeat is answered exactly as the first time, whatever became of the items since.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from domain import validation
from domain.caller import Caller
from domain.errors import IdempotencyConflict
from domain.table import Put, Table, free

DAY_SECONDS = 24 * 3600
"""How long a repeat is known as one, where the effect itself is kept for good."""


@dataclass(frozen=True)
class Once:
    """One mutation under a `clientMutationId`. Ids of callers that share an API key share one space."""

    client_mutation_id: str
    pk: str
    fingerprint: str

    def marker(self, outcome: Mapping[str, Any], now: int, expires_at: int) -> Put:
        """The write that makes the mutation happen once. Its condition fails when it has happened."""
        item = {
            "pk": self.pk, "sk": "MARKER", "clientMutationId": self.client_mutation_id, "fingerprint": self.fingerprint,
            "outcome": json.dumps(outcome), "expiresAt": expires_at,
        }  # fmt: skip
        return Put(item, *free(now))

    def outcome(self, table: Table, now: int) -> dict[str, Any] | None:
        """What was noted when the mutation happened; None when it has not.

        Raises:
            IdempotencyConflict: the id was used with another input.
            TableError: the table did not answer.
        """
        marker = table.get((self.pk, "MARKER"), now)
        if marker is None:
            return None
        if marker["fingerprint"] != self.fingerprint:
            raise IdempotencyConflict(self.client_mutation_id)
        outcome: dict[str, Any] = json.loads(marker["outcome"])
        return outcome


def once(caller: Caller, field: str, client_mutation_id: str, effect: object) -> Once:
    """A mutation of a caller.

    Args:
        caller: whose id it is.
        field: the coordinate (`Mutation.sendMessage`).
        client_mutation_id: the client's id.
        effect: the validated input as JSON data, which a repeat must equal.
    """
    return Once(
        client_mutation_id,
        f"IDEMPOTENCY#{_digest([caller.kind.value, caller.id, field, client_mutation_id])}",
        _digest(effect),
    )


def named(
    caller: Caller, field: str, client_mutation_id: str | None, effect: object, path: str = "input.clientMutationId"
) -> Once | None:
    """The same of a caller who may name it or not; None without a name. `path` is the argument. Raises InvalidInput."""
    if client_mutation_id is None:
        return None
    validation.client_mutation_id(path, client_mutation_id)
    return once(caller, field, client_mutation_id, effect)


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
