"""Claim: an idle instance uses under 5% of a core. CPU time of all its processes over a minute, from /proc."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.stack.instance import Instance

SECONDS = 60
LIMIT_PERCENT = 5.0


def processes(runner: int) -> dict[str, tuple[str, float, float]]:
    """Name, CPU seconds and resident MiB of the runner and everything it started, by process id."""
    parents, found = {}, {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rsplit(")", 1)[1].split()
            command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        parents[int(folder.name)] = int(fields[1])
        cpu = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
        found[int(folder.name)] = (command[:70], cpu, int(fields[21]) * os.sysconf("SC_PAGE_SIZE") / 2**20)

    def ours(pid: int) -> bool:
        return pid == runner or (pid in parents and parents[pid] != pid and ours(parents[pid]))

    return {str(pid): about for pid, about in found.items() if ours(pid)}


def main() -> int:
    """Print the table; the status says whether the claim held."""
    with tempfile.TemporaryDirectory() as folder:
        instance = Instance(Path(folder) / "state")
        instance.start()
        try:
            for number in range(20):
                instance.send("lobby", f"warm {number}")
            time.sleep(5)
            runner = int(instance.outputs["pid"])
            before, began = processes(runner), time.monotonic()
            time.sleep(SECONDS)
            after, seconds = processes(runner), time.monotonic() - began
        finally:
            instance.stop()
    table = Table("process", "% of a core", "MiB", title=f"idle for {seconds:.0f} s")
    total = 0.0
    for pid, (command, cpu, resident) in after.items():
        percent = (cpu - before.get(pid, ("", 0.0, 0.0))[1]) / seconds * 100
        total += percent
        table.add_row(command, f"{percent:.2f}", f"{resident:.0f}")
    table.add_row("all", f"{total:.2f}", f"{sum(resident for _, _, resident in after.values()):.0f}")
    Console().print(table)
    return int(total >= LIMIT_PERCENT)


if __name__ == "__main__":
    sys.exit(main())
