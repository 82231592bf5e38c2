"""Kinesis data streams as a consumer needs them: announced, in order over a change of their shards."""

from __future__ import annotations

import json
import time
from typing import Any

from ministack.services import kinesis

from local.ministack.process import notifier, saves

_OK = 200


def announce_records() -> None:
    """A consumer of a stream outside this process can only poll it."""
    put_record, put_records, put_internal = kinesis._put_record, kinesis._put_records, kinesis.put_record_internal

    def announce(data: dict[str, Any], response: Any) -> Any:
        _, stream = kinesis._resolve_stream(data)
        if response[0] == _OK and stream:
            notifier.source(stream["StreamARN"])
        return response

    def put_and_announce(stream_arn: str, partition_key: str, data: bytes) -> bool:
        is_there: bool = put_internal(stream_arn, partition_key, data)
        if is_there:
            saves.mark_changed()
            notifier.source(stream_arn)
        return is_there

    kinesis._put_record = lambda data: announce(data, put_record(data))
    kinesis._put_records = lambda data: announce(data, put_records(data))
    kinesis.put_record_internal = put_and_announce


def keep_closed_shards() -> None:
    """A split, a merge or another shard count removes the shards before, with all records that nobody has read yet.

    On AWS the shards before are closed: they keep their records until those expire, their iterators end with null, and
    a consumer reads them to their end before it begins with their children.
    https://docs.aws.amazon.com/streams/latest/dev/kinesis-using-sdk-java-after-resharding.html
    """
    route, get_records, shard_out = kinesis._route_to_shard, kinesis._get_records, kinesis._shard_out
    expire_records = kinesis._expire_records

    def closing(change: Any) -> Any:
        def change_and_close(data: dict[str, Any]) -> Any:
            _, stream = kinesis._resolve_stream(data)
            before = dict(stream["shards"]) if stream else {}
            if stream:
                stream["shards"] = {sid: shard for sid, shard in before.items() if "closed_at" not in shard}
            response = change(data)
            if stream:
                after = stream["shards"]
                stream["shards"] = _with_closed(before, after) if response[0] == _OK else before
                notifier.source(stream["StreamARN"])
            return response

        return change_and_close

    def route_to_open(hash_key: int, stream: dict[str, Any]) -> Any:
        shards = {sid: shard for sid, shard in stream["shards"].items() if "closed_at" not in shard}
        return route(hash_key, {**stream, "shards": shards})

    def get_records_to_the_end(data: dict[str, Any]) -> Any:
        state = kinesis._shard_iterators.get(data.get("ShardIterator"))
        response = get_records(data)
        stream = kinesis._streams.get(state["stream"]) if state else None
        shard = stream["shards"].get(state["shard_id"]) if stream and state else None
        if response[0] != _OK or state is None or stream is None or shard is None or "closed_at" not in shard:
            return response
        answer = json.loads(response[2])
        following = kinesis._shard_iterators.get(answer["NextShardIterator"])
        if following and following["position"] >= len(shard["records"]):
            del kinesis._shard_iterators[answer["NextShardIterator"]]
            answer["NextShardIterator"] = None
            answer["ChildShards"] = [
                {"ShardId": sid, "ParentShards": parents, "HashKeyRange": shard_out(sid, child)["HashKeyRange"]}
                for sid, child in stream["shards"].items()
                if state["shard_id"] in (parents := _parents(child))
            ]
        return kinesis.json_response(answer)

    def shard_out_with_end(shard_id: str, shard: dict[str, Any]) -> Any:
        out = shard_out(shard_id, shard)
        if "closed_at" in shard:
            out["SequenceNumberRange"]["EndingSequenceNumber"] = shard["ending_sequence_number"]
        return out

    def expire_shards(stream: dict[str, Any]) -> None:
        expire_records(stream)
        oldest = time.time() - stream["RetentionPeriodHours"] * 3600
        for shard_id in [sid for sid, shard in stream["shards"].items() if shard.get("closed_at", oldest) < oldest]:
            del stream["shards"][shard_id]

    for name in ("_split_shard", "_merge_shards"):
        setattr(kinesis, name, closing(getattr(kinesis, name)))
    kinesis._update_shard_count = closing(_update_shard_count)
    kinesis._route_to_shard, kinesis._get_records = route_to_open, get_records_to_the_end
    kinesis._shard_out, kinesis._expire_records = shard_out_with_end, expire_shards


def _parents(shard: dict[str, Any]) -> list[str]:
    return [shard[name] for name in ("parent_shard_id", "adjacent_parent_shard_id") if shard.get(name)]


def _with_closed(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    """The shards before, closed where they are gone after, and the new ones."""
    for shard_id in before.keys() - after.keys():
        if "closed_at" not in before[shard_id]:
            number = kinesis._next_sequence_number()
            before[shard_id] |= {"closed_at": time.time(), "ending_sequence_number": number}
    return {**before, **after}


def _update_shard_count(data: dict[str, Any]) -> Any:
    """New shards of equal size beyond the old ones. Their parents are those that they overlap with.

    A shard names two of them: AWS goes there by splits and merges, and at most to the double or half.
    """
    name, stream = kinesis._resolve_stream(data)
    if not stream:
        return kinesis.error_response_json("ResourceNotFoundException", f"Stream {name} not found", 400)
    target = int(data.get("TargetShardCount") or 0)
    if target < 1:
        return kinesis.error_response_json("ValidationException", "TargetShardCount must be >= 1", 400)
    old = stream["shards"]
    made = kinesis._build_shards(target, kinesis._max_shard_index(stream) + 1)
    for shard in made.values():
        parents = [
            sid
            for sid, parent in old.items()
            if int(parent["starting_hash_key"]) <= int(shard["ending_hash_key"])
            and int(shard["starting_hash_key"]) <= int(parent["ending_hash_key"])
        ]
        shard["parent_shard_id"], shard["adjacent_parent_shard_id"] = (*parents, None, None)[:2]
    stream["shards"] = made
    return kinesis.json_response({
        "StreamName": stream["StreamName"], "StreamARN": stream["StreamARN"],
        "CurrentShardCount": len(old), "TargetShardCount": target,
    })  # fmt: skip


def keep_iterators_in_place() -> None:
    """An iterator is a position in a list that loses its first records when they expire: it skips as many others."""
    expire_records = kinesis._expire_records

    def expire_and_move(stream: dict[str, Any]) -> None:
        before = {sid: len(shard["records"]) for sid, shard in stream["shards"].items()}
        expire_records(stream)
        kept = {sid: len(shard["records"]) for sid, shard in stream["shards"].items()}
        lost = {sid: count - kept.get(sid, 0) for sid, count in before.items()}
        if any(lost.values()):
            for state in kinesis._shard_iterators.values():
                if state.get("stream_arn") == stream["StreamARN"]:
                    state["position"] = max(state["position"] - lost.get(state["shard_id"], 0), 0)

    kinesis._expire_records = expire_and_move
