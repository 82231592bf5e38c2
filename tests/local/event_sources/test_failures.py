"""What breaks beside a mapping, or under it, costs nobody a record."""

from __future__ import annotations

import asyncio
import json
import time

import pytest

from tests.local.event_sources.conftest import Function, Source, World, until

pytestmark = pytest.mark.asyncio(loop_scope="module")

SLOW = "def handler(event, context):\n    note(event)\n    time.sleep(3)\n"


async def write(source: Source, text: str) -> None:
    """One more record or message."""
    await source.put(text)  # type: ignore[attr-defined]


async def sources(world: World) -> list[Source]:
    """One of each kind."""
    return [await world.stream(), await world.queue()]


async def test_a_slow_or_broken_mapping_of_any_kind_delays_no_other(world: World) -> None:
    bad: list[Function] = []
    for source in [*await sources(world), *await sources(world), *await sources(world)]:
        for code in (SLOW, "1 / 0"):
            function = await world.function(code, Timeout=10)
            await function.map(source)
            bad.append(function)
        await write(source, "busy")
    refused = await world.function()
    table = await world.table()
    mapping = await refused.map(table, BatchSize=10_001)
    fine = [(source, await world.function()) for source in await sources(world)]
    for source, function in fine:
        await function.map(source)
        await write(source, "warm")
    await until(lambda: all(function.flat() == ["warm"] for _, function in fine))
    started = time.monotonic()
    for source, _ in fine:
        await write(source, "quick")
    await until(lambda: all(function.flat() == ["warm", "quick"] for _, function in fine), seconds=2)
    assert time.monotonic() - started < 2
    assert mapping in world.sources.not_emulated
    for function in bad:
        await world.call("lambda", "delete_function", FunctionName=function.name)


async def test_an_update_is_followed_at_once_and_loses_nothing(world: World) -> None:
    stream, first, second = await world.stream(), await world.function(), await world.function()
    mapping = await first.map(stream, BatchSize=1)
    await stream.put("1", "2")
    await until(lambda: first.flat() == ["1", "2"])
    await world.call("lambda", "update_event_source_mapping", UUID=mapping, BatchSize=10, FunctionName=second.name)
    writing = asyncio.create_task(stream.put(*map(str, range(3, 20))))
    await writing
    await until(lambda: len(first.flat()) + len(second.flat()) == 19)
    assert first.flat() + second.flat() == [str(number) for number in range(1, 20)]
    pattern = json.dumps({"data": {"wanted": [True]}})
    await world.call(
        "lambda", "update_event_source_mapping", UUID=mapping, FilterCriteria={"Filters": [{"Pattern": pattern}]}
    )
    await stream.put("unwanted", '{"wanted": true}')
    await until(lambda: second.flat()[-1] == '{"wanted": true}')
    assert "unwanted" not in second.flat()


async def test_a_deleted_source_stops_its_mapping_only(world: World) -> None:
    stream, queue, function = await world.stream(), await world.queue(), await world.function()
    other, fine = await world.queue(), await world.function()
    mappings = [await function.map(stream), await function.map(queue)]
    await until(lambda: all(world.sources.running(mapping) for mapping in mappings))
    await world.call("kinesis", "delete_stream", StreamName=stream.name)
    await world.call("sqs", "delete_queue", QueueUrl=queue.url)
    await until(lambda: not any(world.sources.running(mapping) for mapping in mappings))
    await fine.map(other)
    await other.put("1")
    await until(lambda: fine.flat() == ["1"])


async def test_a_mapping_whose_function_comes_later_delivers_then(world: World) -> None:
    queue, function = await world.queue(), await world.function()
    await function.map(queue)
    await world.call("lambda", "delete_function", FunctionName=function.name)
    await queue.put("1")
    again = await world.function(name=function.name)
    await until(lambda: again.flat() == ["1"])


async def test_a_mapping_that_is_refused_for_a_while_goes_on_where_it_was(world: World) -> None:
    stream, function = await world.stream(), await world.function()
    mapping = await function.map(stream)
    await stream.put("1")
    await until(lambda: function.flat() == ["1"] and bool(world.checkpoints().get(mapping)))
    await world.call("lambda", "update_event_source_mapping", UUID=mapping, TumblingWindowInSeconds=9,
                     ParallelizationFactor=2)  # fmt: skip
    await until(lambda: mapping in world.sources.not_emulated and not world.sources.running(mapping))
    await stream.put("2")
    await world.call("lambda", "update_event_source_mapping", UUID=mapping, TumblingWindowInSeconds=0)
    await until(lambda: function.flat() == ["1", "2"])


async def test_a_list_that_is_empty_for_a_moment_costs_no_checkpoint(world: World) -> None:
    stream, function = await world.stream(), await world.function()
    mapping = await function.map(stream)
    await stream.put("1")
    await until(lambda: function.flat() == ["1"] and bool(world.checkpoints().get(mapping)))
    listed, world.sources._list = world.sources._list, list  # type: ignore[method-assign]  # as of an empty cloud
    try:
        await world.sources._follow()
        await until(lambda: not world.sources.running(mapping))
    finally:
        world.sources._list = listed  # type: ignore[method-assign]
    await stream.put("2")
    await until(lambda: function.flat() == ["1", "2"])


async def test_the_state_tells_what_runs_and_what_does_not(world: World) -> None:
    stream, function = await world.stream(), await world.function()
    mapping = await function.map(stream)
    refused = await function.map(await world.table(), BatchSize=10_001)
    await stream.put("1")
    await until(lambda: bool(world.checkpoints().get(mapping)))
    states = {state["uuid"]: state for state in world.sources.state()}
    assert states[mapping]["running"]
    assert states[mapping]["source"] == stream.source
    assert states[mapping]["checkpoints"].keys() == {"shardId-000000000000"}
    assert not states[refused]["running"]
    assert "AWS takes 1 to 10000" in states[refused]["refused"]


async def test_kill_minus_nine_of_everything_loses_nothing_that_was_saved(world: World) -> None:
    code = """
    def handler(event, context):
        note(event)
        if pathlib.Path(os.environ["NOTES"] + ".slow").exists():
            time.sleep(30)
    """
    stream, queue = await world.stream(), await world.queue(VisibilityTimeout="2")
    functions = [await world.function(code, Timeout=2), await world.function(code, Timeout=2)]
    both: list[Source] = [stream, queue]
    for source, function in zip(both, functions, strict=True):
        await function.map(source, **({"BatchSize": 2} if source is stream else {}))
        await write(source, "before")
        await until(lambda function=function: function.flat() == ["before"])  # type: ignore[misc]
        function.notes.with_name(function.notes.name + ".slow").touch()
        for text in ("1", "2", "3"):
            await write(source, text)
        await until(lambda function=function: len(function.flat()) > 1)  # type: ignore[misc]
    await world.saved()
    # The runner's end takes the pollers with it, in the middle of a batch, and MiniStack is not asked to stop either.
    await world.crash()
    for function in functions:
        function.notes.with_name(function.notes.name + ".slow").unlink()
    await world.start_again()
    for function in functions:
        await until(lambda function=function: {"1", "2", "3"} <= set(function.flat()[2:]), seconds=30)  # type: ignore[misc]
        assert function.flat().count("before") == 1  # the checkpoint and the deletion came before the crash
    assert [text for text in functions[0].flat() if text in {"1", "2", "3"}][-3:] == ["1", "2", "3"]
    for source in both:
        await write(source, "after")
    await until(lambda: all("after" in function.flat() for function in functions))


async def test_the_pollers_outlive_the_cloud(world: World) -> None:
    both = await sources(world)
    functions = [await world.function() for _ in both]
    for source, function in zip(both, functions, strict=True):
        await function.map(source)
        await write(source, "before")
    await until(lambda: all(function.flat() == ["before"] for function in functions))
    await world.saved()
    assert world.cloud._process is not None
    world.cloud._process.kill()
    await world.cloud._process.wait()
    await world.cloud.stop()
    await world.cloud.start()
    for source in both:
        await write(source, "after")
    await until(lambda: all(function.flat() == ["before", "after"] for function in functions), seconds=30)
