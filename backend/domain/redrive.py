"""Operations on what is parked. They run inside the publisher's function, the only caller of AppSync.

The function is invoked by its name (the stack's output `PublishFunctionName`) with an event that has `operation`. All
times are ISO texts in UTC. An answer is the object below, or `{"error": {"type", "message"}}`, where `type` is
`InvalidInput` (the request is wrong), `NotParked` (no such key, or another record is at the front) or `TryAgain` (the
table, the bucket or AppSync did not answer in time).

    {"operation": "parked.list", "limit": 100, "nextToken": null}
        {"items": [Parked], "nextToken": text or null, "leftovers": number}
        `leftovers`: invocation records that the event source mapping left in the bucket (at most 1,000 are counted).

    {"operation": "parked.show", "id": text, "limit": 20, "nextToken": null}
        {"parked": Parked, "items": [Record], "nextToken": text or null}
        The records of one key, in the order of the stream; a page also ends at 4 MB.

    {"operation": "parked.replay", "ids": [text] or null for all, "nextToken": null}
        {"replayed": number, "lifted": [id], "takenIn": number, "superseded": number, "discarded": number,
         "blocked": [Blocked], "nextToken": text or null}
        Takes in what the mapping left (unless `ids` are given), then replays key by key, in order, and lifts the marks
        of those that have no record left. Works until its time is over; call it again with the same `ids` and the
        `nextToken` until that is null, and add up the answers. What cannot be replayed is in `blocked` and stays.

    {"operation": "parked.discard", "id": text, "eventId": text}
        The same answer. Skips the record at the front of the key, which must be the one named, and replays those
        behind it. The record is kept for 30 days under `discarded/` in the bucket.

    {"operation": "changes.explain", "topic": text, "limit": 10, "records": [stream records as Lambda delivers them]}
        {"topic": text, "mutation": text or null, "headSeq": number, "headAt": time or null, "changes": [Change],
         "parked": [Parked], "records": [Routed]}
        What the publisher knows of a topic: its last `limit` changes in order, the keys that are parked with changes
        for it, and what it makes of the given records (at most 1,000). `mutation` is null for an unknown kind of topic.

    Parked   {"id": text, "key": {"pk", "sk"}, "topics": [text], "reason": Reason, "eventId": text, "parkedAt": time,
              "records": number}; `eventId` is that of the record at the front, as far as known
    Reason   {"type": text, "message": text}
    Record   {"eventId": text, "sequenceNumber": text, "kind": "INSERT" | "MODIFY" | "REMOVE", "createdAt": time,
              "parkedAt": time, "reason": Reason or null when it only waits behind another,
              "numbers": {topic: seq}, "published": [topic], "object": text, "record": stream record, or null when it
              is too large for an answer: then it is in the bucket's object}
    Blocked  {"id": text, "key": {"pk", "sk"}, "eventId": text, "reason": Reason, "transient": true when it is not the
              record's fault}
    Change   {"seq": number, "eventId": text, "kind": text, "at": time, "traceId": text or null, "key": text,
              "truncated": boolean}
    Routed   {"eventId": text, "outcome": "ROUTED" | "UNCHANGED" | "NO_TOPIC" | "POISON" | "PARKED",
              "topics": [text], "key": text or null (of the change), "reason": Reason or null}
"""
