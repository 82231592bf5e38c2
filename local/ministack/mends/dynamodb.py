"""DynamoDB: what CloudFormation says about a table, its time to live, and its stream."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

from ministack.services import dynamodb, dynamodb_streams
from ministack.services.cloudformation import provisioners

from local.ministack import expiry
from local.ministack.mends.unknown_types import Provisioned
from local.ministack.process import expiries, notifier

_TABLE_TYPE = "AWS::DynamoDB::Table"


def _apply_table_settings(table_name: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
    """Time to live and point-in-time recovery, which have API calls of their own."""
    before, after = old.get("TimeToLiveSpecification"), new.get("TimeToLiveSpecification")
    if after != before:
        wanted = after or {**(before or {}), "Enabled": False}
        wanted = {**wanted, "Enabled": provisioners._cfn_bool(wanted.get("Enabled", False))}
        _call(dynamodb._update_ttl, {"TableName": table_name, "TimeToLiveSpecification": wanted})
    recovery = new.get("PointInTimeRecoverySpecification")
    if recovery != old.get("PointInTimeRecoverySpecification"):
        enabled = provisioners._cfn_bool((recovery or {}).get("PointInTimeRecoveryEnabled", False))
        specification = {"PointInTimeRecoveryEnabled": enabled}
        request = {"TableName": table_name, "PointInTimeRecoverySpecification": specification}
        _call(dynamodb._update_continuous_backups, request)


def _call(operation: Any, request: dict[str, Any]) -> None:
    status, _, body = operation(request)
    if status >= 400:
        raise ValueError(f"{_TABLE_TYPE} {request['TableName']}: {body!r}")


def apply_table_settings() -> None:
    """TimeToLiveSpecification and PointInTimeRecoverySpecification of a template are ignored."""
    handler = provisioners._RESOURCE_HANDLERS[_TABLE_TYPE]
    create, update = handler["create"], handler["update"]

    def create_with_settings(logical_id: str, properties: Mapping[str, Any], stack_name: str) -> Provisioned:
        created: Provisioned = create(logical_id, properties, stack_name)
        _apply_table_settings(created[0], {}, properties)
        return created

    def update_with_settings(
        physical_id: str, old: Mapping[str, Any], new: Mapping[str, Any], stack_name: str, logical_id: str
    ) -> Provisioned:
        updated: Provisioned = update(physical_id, old, new, stack_name, logical_id)
        _apply_table_settings(updated[0], old if updated[0] == physical_id else {}, new)
        return updated

    handler |= {"create": create_with_settings, "update": update_with_settings}


def never_create_over_a_table() -> None:
    """A stack that is created again empties the table that its predecessor retained: generated names repeat."""
    handler = provisioners._RESOURCE_HANDLERS[_TABLE_TYPE]
    create = handler["create"]

    def create_beside(logical_id: str, properties: Mapping[str, Any], stack_name: str) -> Provisioned:
        named = properties.get("TableName")
        name = named or provisioners._physical_name(stack_name, logical_id, max_len=255)
        made: Provisioned
        if name not in dynamodb._tables:
            made = create(logical_id, properties, stack_name)
        elif named:
            raise ValueError(f"{name} already exists. Delete the table, or import it into the stack.")
        else:
            made = provisioners._seeded_create(create, logical_id, properties, stack_name)
        return made

    handler["create"] = create_beside


def stop_stock_ttl_sweep() -> None:
    """The sweep removes expired items every 60 s without a stream record. `local.ministack.expiry` does it instead.

    Its thread runs since the import; the first thing it does when it wakes is to take this lock.
    """
    lock = dynamodb._lock

    class Lock:
        def __enter__(self) -> None:
            if threading.current_thread().name == "dynamodb-ttl-reaper":
                raise SystemExit  # ends that thread, silently
            lock.acquire()

        def __exit__(self, *_: object) -> None:
            lock.release()

    dynamodb._lock = Lock()


_STREAM_STATE = ("_stream_records", "_stream_trimmed", "_closed_streams")


def load_stream_records() -> None:
    """After a restart every stream is empty and its sequence numbers begin anew.

    The records come from the journal, or from a state that was saved before there was one.
    """
    load_persisted_state = dynamodb.load_persisted_state

    def load_with_streams(state: dict[str, Any]) -> None:
        load_persisted_state(state)
        for name in _STREAM_STATE:
            if name in state:
                getattr(dynamodb, name).update(state[name])
        dynamodb._stream_seq_counter = state.get("_stream_seq_counter", 0)

    dynamodb.load_persisted_state = load_with_streams


def find_lost_sequence_numbers() -> None:
    """A checkpoint newer than the stream, as after kill -9, is refused like one that was trimmed, for ever.

    Sequence numbers grow, so that "after" a number that is not there is as clear as after one that is.
    """
    get_shard_iterator = dynamodb_streams._get_shard_iterator

    def get_iterator(request: dict[str, Any]) -> Any:
        wanted = request.get("SequenceNumber")
        source = dynamodb_streams._request_stream_source(request.get("StreamArn") or "")
        if wanted and source and str(request.get("ShardIteratorType")).endswith("_SEQUENCE_NUMBER"):
            specification, table = source
            records = dynamodb_streams._records_for(specification.account_id, specification.region, table)
            if not records or wanted > records[-1]["dynamodb"]["SequenceNumber"]:
                return get_shard_iterator({**request, "ShardIteratorType": "LATEST"})
        return get_shard_iterator(request)

    dynamodb_streams._get_shard_iterator = get_iterator


def sweep_expired_items() -> None:
    """An item that expires is removed without a stream record."""
    set_item, build_change_record = dynamodb._set_item, dynamodb._build_change_record

    def build_with_identity(*change: Any) -> dict[str, Any]:
        record: dict[str, Any] = build_change_record(*change)
        if expiry.removing.get():
            record["userIdentity"] = dict(expiry.USER_IDENTITY)
        return record

    def set_and_note(table: dict[str, Any], partition: Any, sort: Any, item: dict[str, Any]) -> Any:
        old = set_item(table, partition, sort, item)
        expiries.item_written(table, partition, sort, item)
        return old

    dynamodb._set_item, dynamodb._build_change_record = set_and_note, build_with_identity


def announce_stream_records() -> None:
    """A consumer of a stream outside this process can only poll it."""
    emit = dynamodb._emit_stream_event

    def emit_and_announce(table_name: str, *change: Any, **options: Any) -> None:
        emit(table_name, *change, **options)
        table = dynamodb._tables.get(table_name) or {}
        if (table.get("StreamSpecification") or {}).get("StreamEnabled"):
            notifier.stream(table_name)

    dynamodb._emit_stream_event = emit_and_announce
