"""What a deployment tells its clients of itself: data for them to decide by, never anything to execute."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from domain import notice, topics, validation
from domain.changes import LARGEST_PAGE

# Grows when something that clients rely on is taken away from the schema.
API_VERSION = 1


@dataclass(frozen=True)
class Features:
    """What differs from one deployment to the next.

    Attributes:
        flags: what its operators have turned on.
        retention_seconds: how long messages live and missed changes can be caught up.
        heartbeat_seconds: how often someone who is present says so.
    """

    flags: Sequence[str]
    retention_seconds: int
    heartbeat_seconds: int

    def shown(self) -> dict[str, Any]:
        """The schema's Features."""
        return {
            "apiVersion": API_VERSION,
            "topics": [kind.name for kind in topics.KINDS.values() if kind.subscription],
            "flags": list(self.flags),
            "retentionSeconds": self.retention_seconds,
            "heartbeatSeconds": self.heartbeat_seconds,
            "limits": {
                "messageCharacters": validation.MAX_TEXT,
                "messages": validation.MAX_MESSAGES,
                "roomIdCharacters": validation.MAX_ROOM_ID,
                "changes": LARGEST_PAGE,
                "noticeBytes": notice.MAX_DATA_BYTES,
                "bootstrapRooms": validation.MAX_BOOTSTRAP_ROOMS,
                "bootstrapBacklog": validation.MAX_BACKLOG,
            },
        }
