"""Workers: warm, one per concurrent invocation, limited, replaced when something changes."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from local.functions import TooManyRequests
from tests.local.functions.conftest import Deployed, until, write

ROOT = Path(__file__).resolve().parents[3]
PID = "import os\ndef handler(event, context): return os.getpid()"
MEET = """
import os, pathlib, time
def handler(event, context):
    # Ends when `event` invocations are in here at the same time.
    folder = pathlib.Path(os.environ["FOLDER"])
    (folder / context.aws_request_id).touch()
    while len(list(folder.iterdir())) < event: time.sleep(0.01)
    return os.getpid()
"""


def runs(pid: int) -> bool:
    """Whether a process runs."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def meeting(deployed: Deployed, **settings: Any) -> Path:
    """Deploy MEET; the folder shows who has come in."""
    folder = deployed.root / "meeting"
    folder.mkdir()
    deployed.deploy(MEET, environment={"FOLDER": str(folder)}, **settings)
    return folder


async def test_a_worker_is_kept_warm(deployed: Deployed) -> None:
    deployed.deploy(PID)
    assert await deployed.call() == await deployed.call()


async def test_concurrent_invocations_have_a_worker_each(deployed: Deployed) -> None:
    meeting(deployed, timeout_seconds=10)
    pids = await asyncio.gather(*(deployed.call(4) for _ in range(4)))
    assert len(set(pids)) == 4


async def test_beyond_the_cap_invocations_wait_for_a_place(deployed: Deployed) -> None:
    deployed.deploy("import time\ndef handler(event, context): time.sleep(0.05)", timeout_seconds=10)
    await asyncio.gather(*(deployed.call() for _ in range(12)))


async def test_waiting_for_a_place_ends_with_the_functions_time_out(deployed: Deployed) -> None:
    folder = meeting(deployed, timeout_seconds=0.5)
    busy = [asyncio.create_task(deployed.invoke(5)) for _ in range(4)]
    await until(lambda: len(list(folder.iterdir())) == 4)
    deployed.configure(timeout_seconds=0.1)
    with pytest.raises(TooManyRequests) as throttled:
        await deployed.call(5, name="greet:short")
    assert throttled.value.reason == "ConcurrentInvocationLimitExceeded"
    await asyncio.gather(*busy)


async def test_reserved_concurrency_throttles_at_once(deployed: Deployed) -> None:
    folder = meeting(deployed, timeout_seconds=10, reserved_concurrency=1)
    busy = asyncio.create_task(deployed.call(2))
    await until(lambda: any(folder.iterdir()))
    with pytest.raises(TooManyRequests) as throttled:
        await deployed.call(2)
    assert throttled.value.reason == "ReservedFunctionConcurrentInvocationLimitExceeded"
    (folder / "second").touch()
    await busy


async def test_idle_workers_end(tmp_path: Path) -> None:
    deployed = Deployed(tmp_path, idle_seconds=0.05)
    await deployed.functions.start()
    try:
        deployed.deploy(PID)
        pid = await deployed.call()
        await until(lambda: not runs(pid))
        assert await deployed.call() != pid
    finally:
        await deployed.functions.stop()


async def test_an_edit_of_a_live_source_replaces_its_workers(deployed: Deployed) -> None:
    source = deployed.root / "source"
    write(source, {"index.py": "def handler(event, context): return 'before'"})
    deployed.deploy("")
    deployed.functions.sources = {"greet": [source]}
    assert await deployed.call() == "before"
    for word in ("after1", "after2"):  # the same size within the same second
        write(source, {"index.py": f"def handler(event, context): return '{word}'"})
        seen: set[str] = set()
        while word not in seen:
            seen.add(await deployed.call())
            await asyncio.sleep(0.01)


async def test_a_running_invocation_finishes_when_its_source_changes(deployed: Deployed) -> None:
    source = deployed.root / "source"
    folder = meeting(deployed, timeout_seconds=10)
    write(source, {"index.py": MEET})
    deployed.functions.sources = {"greet": [source]}
    first = await deployed.call(1)
    running = asyncio.create_task(deployed.call(3))
    await until(lambda: len(list(folder.iterdir())) == 2)
    write(source, {"index.py": MEET + "\n# edited\n"})
    await until(lambda: deployed.functions.generation("greet") > 0)
    (folder / "third").touch()
    assert await running == first
    assert await deployed.call(1) != first


async def test_stopping_leaves_no_process(tmp_path: Path) -> None:
    deployed = Deployed(tmp_path)
    await deployed.functions.start()
    code = """
    import os, subprocess, threading
    def handler(event, context):
        child = subprocess.Popen(["sleep", "60"])
        threading.Thread(target=threading.Event().wait).start()
        return [os.getpid(), os.getppid(), child.pid]
    """
    deployed.deploy(code)
    pids = await deployed.call()
    await deployed.functions.stop()
    await until(lambda: not any(runs(pid) for pid in pids))


async def test_nothing_outlives_a_parent_that_is_killed(tmp_path: Path) -> None:
    script = """
import asyncio, json, os, pathlib, sys
from tests.local.functions.conftest import Deployed
async def main():
    deployed = Deployed(pathlib.Path(sys.argv[1]))
    await deployed.functions.start()
    code = "def handler(e, c):\\n  if e: threading.Event().wait()\\n  return [os.getpid(), os.getppid()]"
    deployed.deploy("import os, threading\\n" + code)
    idle = await deployed.call()
    busy = asyncio.create_task(deployed.call(True))
    await asyncio.sleep(0)
    print(json.dumps(idle), flush=True)
    await busy
asyncio.run(main())
"""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", script, str(tmp_path), cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    pids = json.loads(await process.stdout.readline())
    process.kill()
    await process.wait()
    await until(lambda: not any(runs(pid) for pid in pids))


async def test_a_killed_fork_server_takes_its_workers_along_and_is_replaced(deployed: Deployed) -> None:
    deployed.deploy("import os\ndef handler(event, context): return [os.getpid(), os.getppid()]")
    worker, server = await deployed.call()
    os.kill(server, 9)
    await until(lambda: not runs(worker))
    other, _ = await deployed.call()
    assert other != worker
