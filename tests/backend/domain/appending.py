"""A publisher as a process of its own, for test_changes_processes.py: appends its batches and says when each is done.

    python -m tests.backend.domain.appending ENDPOINT TABLE TOPIC NAME BATCHES SIZE

Started again after a kill, it begins with its first batch again, as a stream delivers what was not acknowledged.
"""

import sys
import time

from domain import topics
from domain.changes import ChangeLog, Event
from domain.clock import SYSTEM
from domain.table import Table, dynamodb
from tests.conftest import CREDENTIALS


def main(endpoint: str, table: str, topic: str, name: str, batches: int, size: int) -> None:
    log = ChangeLog(Table(table, dynamodb(endpoint_url=endpoint, **CREDENTIALS)), 3600, SYSTEM)
    for batch in range(batches):
        events = [Event(f"{name}-{batch}-{number}", "INSERT", name, f'{{"batch":{batch}}}') for number in range(size)]
        log.append(topics.room(topic), events, time.monotonic() + 120)
        print(batch, flush=True)


if __name__ == "__main__":
    _, endpoint, table, topic, name, batches, size = sys.argv
    main(endpoint, table, topic, name, int(batches), int(size))
