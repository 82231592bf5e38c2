"""What is acknowledged stays: the journal's hooks into DynamoDB and STS, and how everything is read at the start."""

from __future__ import annotations

import contextlib
import functools
import gc
import logging
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
from ministack import app
from ministack.core import persistence
from ministack.core.responses import error_response_json
from ministack.services import dynamodb, sts

from local.ministack import process, sessions, states, table_journal
from local.ministack.journal import JournalFull, Operation, write_base

logger = logging.getLogger("headwater.journal")

_WRITES = (
    "_put_item",
    "_update_item",
    "_delete_item",
    "_batch_write_item",
    "_transact_write_items",
    "_execute_statement",
    "_batch_execute_statement",
    "_restore_table_from_backup",
    "_restore_table_to_point_in_time",
    "_update_table",
)

Answer = tuple[int, dict[str, str], bytes]


def _refusal() -> Answer:
    answer: Answer = error_response_json("InternalServerError", "The disk is full: the write could not be kept.", 500)
    return answer


def _as_one_step(operation: Callable[[Any], Answer], *, undone_by_failure: bool = False) -> Callable[[Any], Answer]:
    """The whole operation, with its stream records, is one line of the journal, or it is refused."""

    @functools.wraps(operation)
    def step(request: Any) -> Answer:
        if process.journal.full:
            return _refusal()
        try:
            with process.journal.step() as operations:
                began = len(operations)
                answer = operation(request)
                if undone_by_failure and answer[0] != 200:
                    del operations[began:]
                return answer
        except JournalFull:
            return _refusal()

    return step


def write_tables_to_journal() -> None:
    """Items are saved with the whole state: at 200,000 that takes longer than the two seconds that may be lost."""
    recorder = table_journal.Recorder(lambda: process.journal.generation)
    set_item, remove_item, emit = dynamodb._set_item, dynamodb._remove_item, dynamodb._emit_stream_event
    items_replaced, create_replica = dynamodb._items_replaced, dynamodb._create_replica
    transaction = dynamodb._execute_transaction

    def set_and_record(table: dict[str, Any], partition: Any, sort: Any, item: dict[str, Any]) -> Any:
        with process.journal.step() as operations:
            old = set_item(table, partition, sort, item)
            recorder.put(operations, table, item)
        return old

    def remove_and_record(table: dict[str, Any], partition: Any, sort: Any) -> Any:
        with process.journal.step() as operations:
            old = remove_item(table, partition, sort)
            if old is not None:
                recorder.remove(operations, table, old)
        return old

    def emit_and_record(table_name: str, *change: Any, **options: Any) -> None:
        with process.journal.step() as operations:
            before = (dynamodb._stream_records.get(table_name) or [None])[-1]
            emit(table_name, *change, **options)
            record = (dynamodb._stream_records.get(table_name) or [None])[-1]
            table = dynamodb._tables.get(table_name)
            if record is not None and record is not before and table is not None:
                recorder.record(operations, table, record)
        if dynamodb._kinesis_destinations.get(table_name):
            process.saves.mark_changed()

    def replace_and_record(table: dict[str, Any]) -> None:
        items_replaced(table)
        with process.journal.step() as operations:
            recorder.replace(operations, table)

    def replicate_and_record(name: str, table: dict[str, Any], region: str) -> None:
        create_replica(name, table, region)
        with process.journal.step() as operations:
            replica = dynamodb._tables.get_scoped(dynamodb.get_account_id(), region, name)
            recorder.replace(operations, replica)

    dynamodb._set_item, dynamodb._remove_item = set_and_record, remove_and_record
    dynamodb._emit_stream_event = emit_and_record
    dynamodb._items_replaced, dynamodb._create_replica = replace_and_record, replicate_and_record
    for name in _WRITES:
        setattr(dynamodb, name, _as_one_step(getattr(dynamodb, name)))
    # A transaction in PartiQL writes one statement after another and puts the tables back when one fails.
    dynamodb._execute_transaction = _as_one_step(transaction, undone_by_failure=True)


def save_tables_without_items() -> None:
    """See `write_tables_to_journal`. Stream records were not saved at all."""
    get_state = dynamodb.get_state

    def get_state_without_items() -> dict[str, Any]:
        state: dict[str, Any] = get_state()  # in a save's child, where copying is switched off
        for table in state["tables"].all_values():
            table["items"] = {}
        for name in ("_closed_streams",):
            streams = type(dynamodb._closed_streams)()
            for key, closed in getattr(dynamodb, name)._data.items():
                streams._data[key] = {**closed, "records": [], "trimmed": 0}
            state[name] = streams
        state["_stream_seq_counter"] = dynamodb._stream_seq_counter
        return state

    dynamodb.get_state = get_state_without_items


class _Sessions(dict[str, Any]):
    """MiniStack's sessions; a new one is in the journal before it is used."""

    def __setitem__(self, key: str, session: Any) -> None:
        super().__setitem__(key, session)
        with contextlib.suppress(JournalFull), process.journal.step() as operations:
            operations.append(["session", key, session])


def keep_sessions() -> None:
    """Temporary credentials end with the process: after a restart every function's role is refused."""
    sts._sessions = _Sessions(sts._sessions)


def load_saved_state() -> None:
    """A file that cannot be read is replaced by the next save; and nobody reads the journal."""
    load_all, load_state = app._load_persisted_state, persistence.load_state

    def load_or_put_aside(service: str) -> Any:
        data = load_state(service)
        path = Path(persistence.STATE_DIR) / f"{service}.json"
        if data is None and path.exists():
            aside = process.state / "unreadable" / f"{service}-{time.strftime('%Y%m%dT%H%M%S')}.json"
            aside.parent.mkdir(exist_ok=True)
            aside.write_bytes(path.read_bytes())
            if service == "dynamodb" and (process.state / "journal").exists():
                # Without the tables its items go nowhere, and the next compaction would drop them.
                shutil.copytree(process.state / "journal", aside.with_name(f"journal-of-{aside.stem}"))
            logger.error("The saved state of %s cannot be read. It starts empty; the file is now %s.", service, aside)
        return data

    def load_with_journal() -> None:
        gc.disable()  # millions of new objects, none of them garbage
        try:
            load_all()
            _load_journal()
        finally:
            gc.enable()
        gc.freeze()  # what was loaded stays; no full collection has to walk it again

    app.load_state, app._load_persisted_state = load_or_put_aside, load_with_journal


def _load_journal() -> None:
    began = time.monotonic()
    saved = Path(persistence.STATE_DIR)
    known = _named_base(saved)
    if known is None and (saved / "dynamodb.json").exists():
        _take_over()
        return
    tables = table_journal.Restore()

    def apply(operation: Operation) -> None:
        try:
            tables.apply(operation) or sessions.apply(operation)
        except (KeyError, TypeError, ValueError, AttributeError):
            logger.exception("An operation of the journal is left out: %.200r", operation)

    found = process.journal.replay(known or 0, apply)
    tables.finish()
    logger.info(
        "Read %d operations from %s in %.1f s", found.operations, ", ".join(found.files), time.monotonic() - began
    )


def _named_base(saved: Path) -> int | None:
    try:
        return int(orjson.loads((saved / states.JOURNAL_FILE).read_bytes())["base"])
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError):
        # Everything that is there is then what the state consists of.
        bases = [int(path.stem) for path in (process.state / "journal").glob("*.base") if path.stem.isdigit()]
        return max(bases, default=0)


def _take_over() -> None:
    """The state was saved whole, by a Headwater before the journal: write the first base and a save that names it."""
    aside = process.journal.put_aside()
    if aside is not None:
        logger.warning("The journal belongs to no save and is now %s.", aside)
    process.journal.replay(0, lambda _: None)
    generation = process.journal.rotate()
    write_base(process.journal.base_path(generation), process.everything())
    process.journal.base_written(generation)
    if not process.saves.save_now():
        logger.error("The state that an earlier version saved could not be written anew; the next save tries again.")
