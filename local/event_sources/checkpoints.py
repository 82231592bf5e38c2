"""How far each mapping has come on each shard, kept in one small file."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

logger = logging.getLogger("headwater.event_sources")


class Checkpoints:
    """Sequence numbers of the last processed record by mapping and shard.

    Each change replaces the file atomically, so that it is whole whenever the process ends. The write is not forced to
    the disk: after a power cut some batches come again, which at-least-once delivery allows.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._mappings: dict[str, dict[str, Any]] = {}
        try:
            self._mappings = json.loads(path.read_text())
        except FileNotFoundError:
            pass
        except ValueError:
            logger.warning("%s is no JSON; every mapping starts again at its starting position", path)

    def mappings(self) -> set[str]:
        """The mappings that have ever started."""
        return set(self._mappings)

    def known(self, uuid: str) -> bool:
        """Whether the mapping has ever started."""
        return uuid in self._mappings

    def since(self, uuid: str) -> float | None:
        """Records that are older (epoch seconds) are not the mapping's, where no sequence number says more."""
        since: float | None = self._mappings.get(uuid, {}).get("since")
        return since

    def begin(self, uuid: str, since: float | None) -> None:
        """The mapping starts for the first time."""
        self._mappings[uuid] = {"since": since, "shards": {}}
        self._save()

    def sequence_number(self, uuid: str, shard: str) -> str | None:
        """The last record of a shard that is done with."""
        number: str | None = self._mappings.get(uuid, {}).get("shards", {}).get(shard)
        return number

    def shards(self, uuid: str) -> dict[str, str]:
        """The last record that is done with, by shard."""
        return dict(self._mappings.get(uuid, {}).get("shards", {}))

    def advance(self, uuid: str, shard: str, sequence_number: str) -> None:
        """All records up to this one are done with."""
        entry = self._mappings.setdefault(uuid, {"since": None, "shards": {}})
        if entry["shards"].get(shard) != sequence_number:
            entry["shards"][shard] = sequence_number
            self._save()

    def forget(self, uuid: str) -> None:
        """The mapping was deleted."""
        if self._mappings.pop(uuid, None) is not None:
            self._save()

    def _save(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = self._path.with_suffix(".tmp")
        unfinished.write_text(json.dumps(self._mappings))
        unfinished.replace(self._path)
