"""The program that `benchmarks.outbox` kills: it queues messages, says so, and says when all are sent.

    python -m benchmarks.outbox_program URL KEY OUTBOX RUN MUTATIONS ITEMS FIRST

As an application does that must not lose what its user did, it gives each mutation an id before it queues it: what was
being queued when it was killed is queued again, under the same id.
"""

from __future__ import annotations

import asyncio
import sys

from headwater import connect

IN_A_ROW = 3


def item_of(number: int, items: int) -> int:
    """The item that a mutation is of: some in a row are of the same, so that sending side by side would show."""
    return number // IN_A_ROW % items


async def run(url: str, key: str, outbox: str, name: str, mutations: int, items: int, first: int) -> None:
    """Queue the messages from `first` on while the network lets some of them go, and wait for all."""
    async with connect(url=url, api_key=key, outbox=outbox) as hw:
        for number in range(first, mutations):
            await hw.send_message(
                f"{name}-{item_of(number, items)}",
                str(number),
                author="ada",
                client_mutation_id=f"{name}-{number}",
                queue=True,
            )
            print("queued", flush=True)
        assert hw.outbox is not None
        print("all queued", flush=True)
        await hw.outbox.drained()
        failed = [entry.failure for entry in hw.outbox.failed()]
        assert not failed, failed
    print("done", flush=True)


if __name__ == "__main__":
    url, key, outbox, name, mutations, items, first = sys.argv[1:]
    asyncio.run(run(url, key, outbox, name, int(mutations), int(items), int(first)))
