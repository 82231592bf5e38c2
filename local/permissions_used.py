"""Which rights of roles an instance makes use of: a line of JSON per allowed call, for `tests/permissions`.

Written to the file that `HEADWATER_PERMISSIONS_USED` names, by the local cloud and by the data plane; each line is one
write, so that both may. Nothing is written without the variable.
"""

from __future__ import annotations

import functools
import json
import os
from collections.abc import Sequence

VARIABLE = "HEADWATER_PERMISSIONS_USED"


def record(principal_arn: str, action: str, resource: str, keys: Sequence[str] = ()) -> None:
    """Note that a role's right was used; what is no role's is left out.

    Args:
        principal_arn: the role, or a session of it.
        action: such as `dynamodb:GetItem`.
        resource: its ARN.
        keys: the partitions that it was used for, `dynamodb:LeadingKeys`.
    """
    path = os.environ.get(VARIABLE)
    role = role_name(principal_arn) if path else None
    if path and role:
        line = json.dumps({"role": role, "action": action, "resource": resource, "keys": list(keys)})
        os.write(_file(path), f"{line}\n".encode())


def role_name(arn: str) -> str | None:
    """The name of the role in its ARN, or in that of one of its sessions."""
    kind, _, path = arn.rpartition(":")[2].partition("/")
    if kind == "assumed-role":
        return path.partition("/")[0]
    return path.rpartition("/")[2] if kind == "role" else None


@functools.cache
def _file(path: str) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
