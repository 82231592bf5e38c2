"""Keys of programs: made by operators, shown once, checked by the authorizer of AppSync and of the HTTP API.

A key is `hwk_<id>_<secret>`; the secret has 256 random bits. The table has its HMAC under a pepper that is elsewhere,
so that neither alone is of use: who reads the table cannot try keys, and who has the pepper has no key. A slow hash
would add nothing to 256 bits. The prefix is for secret scanners.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import re
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from domain import auth_key, page_tokens, rights, times, ulid, validation
from domain.caller import Caller, CallerKind, Scope
from domain.errors import InvalidInput, NotFound
from domain.idempotency import once
from domain.table import ConditionFailed, Item, Put, Set, Table

logger = logging.getLogger("headwater.auth_keys")

LISTING = "AUTHKEYS"  # the partition that names all keys
MAX_VALID_DAYS = 366
MAX_PAGE = 100

DAY_SECONDS = 24 * 3600
SHOWN_SECONDS = 30 * DAY_SECONDS
"""How long a key stays in the list after its end, so that operators see what ended and when."""

_TOKEN = re.compile(r"hwk_([0-9A-HJKMNP-TV-Z]{26})_([A-Za-z0-9_-]{43})")


@dataclass(frozen=True)
class AuthKeys:
    """The keys of a table. `pepper` fetches the secret that the hashes are made with."""

    table: Table
    pepper: Callable[[], str]


def caller_of(keys: AuthKeys, token: str, now: int) -> Caller | None:
    """Who presents a key, at an epoch second; None when it is none of ours, not valid any more, or revoked.

    Raises:
        TableError: the table did not answer.
    """
    if not (parts := _TOKEN.fullmatch(token)):
        reason = "it has not the form of one"
    elif (item := keys.table.get(auth_key.key(parts[1]), now)) is None:
        reason = f"there is no {parts[1]}"
    elif not hmac.compare_digest(str(item["hash"]), _hash(keys, token)):
        reason = f"it has not the secret of {parts[1]}"
    elif not auth_key.is_valid(item, now):
        reason = f"{parts[1]} was revoked" if auth_key.is_revoked(item) else f"{parts[1]} is over"
    else:
        scopes = frozenset(map(Scope, item["scopes"]))
        return Caller(CallerKind.LAMBDA, str(item["keyId"]), str(item["name"]), scopes=scopes)
    logger.info("an auth key is refused: %s", reason)
    return None


def denied_fields(caller: Caller) -> list[str]:
    """The fields that keys may use in principle, but this one may not for its scopes. AppSync answers them with null.

    So the scopes hold too for fields that JavaScript answers alone.
    """
    offered = (field for field, rules in rights.RULES.items() if CallerKind.LAMBDA in rules)
    return sorted(field for field in offered if not rights.in_scope(caller, field))


def create(
    keys: AuthKeys,
    caller: Caller,
    *,
    name: str,
    scopes: Sequence[str],
    valid_days: int | None = None,
    client_mutation_id: str | None = None,
    now_ms: int,
) -> dict[str, Any]:
    """Make a key. The answer is the only place where it ever is in the clear: a repeat answers null for it.

    Raises:
        Unauthorized, InvalidInput, IdempotencyConflict, TableError
    """
    field = "Mutation.createAuthKey"
    rights.require(caller, field)
    name = validation.key_name("input.name", name)
    days = 90 if valid_days is None else valid_days
    if not 1 <= days <= MAX_VALID_DAYS:
        raise InvalidInput("input.validDays", f"must be 1 to {MAX_VALID_DAYS}, not {days}.")
    if not scopes:
        raise InvalidInput("input.scopes", "must not be empty.")
    now = now_ms // 1000
    chosen = sorted({Scope(scope).value for scope in scopes})
    key_id = ulid.ascending(1, now_ms)[0]
    token = f"hwk_{key_id}_{secrets.token_urlsafe(32)}"
    pk, sk = auth_key.key(key_id)
    valid_until = now + days * DAY_SECONDS
    item: Item = {
        "pk": pk, "sk": sk, "keyId": key_id, "name": name, "scopes": chosen, "hash": _hash(keys, token),
        "createdAt": times.to_iso(now_ms), "createdBy": caller.id, "validUntil": valid_until,
        "expiresAt": valid_until + SHOWN_SECONDS,
    }  # fmt: skip
    writes = [Put(item), Put({"pk": LISTING, "sk": key_id, "expiresAt": item["expiresAt"]})]
    if client_mutation_id is None:
        keys.table.write(writes)
        return {"key": token, "authKey": shown(item)}
    mutation_id = validation.client_mutation_id("input.clientMutationId", client_mutation_id)
    marked = once(caller, field, mutation_id, {"name": name, "scopes": chosen, "days": days})
    try:
        keys.table.write([*writes, marked.marker({"keyId": key_id}, now, now + DAY_SECONDS)])
    except ConditionFailed:
        outcome = marked.outcome(keys.table, now)
        if outcome is None:
            raise
        return {"key": None, "authKey": shown(_existing(keys, outcome["keyId"], now))}
    return {"key": token, "authKey": shown(item)}


def revoke(keys: AuthKeys, caller: Caller, *, id: str, now_ms: int) -> dict[str, Any]:  # noqa: A002 - the schema's name
    """End a key. Revoking it again changes nothing, and keeps the first time.

    Raises:
        Unauthorized, NotFound, TableError
    """
    rights.require(caller, "Mutation.revokeAuthKey")
    if not validation.is_id(id):
        raise NotFound("id")  # DynamoDB would refuse the key of a long one
    now = now_ms // 1000
    item = _existing(keys, id, now)
    if not auth_key.is_revoked(item):
        revocation = _revocation(id, caller.id, now_ms)
        try:
            keys.table.write([revocation])
        except ConditionFailed:
            return shown(_existing(keys, id, now))
        item |= revocation.attributes
    return shown(item)


def revoke_all(table: Table, user_id: str, now_ms: int) -> None:
    """End the keys that a user has made, who is being deleted. May be repeated.

    There are as many keys as operators made by hand, so their list is read as a whole.

    Raises:
        TableError: the table did not answer. Some keys may be ended.
    """
    now = now_ms // 1000
    listed = table.query(LISTING, now=now)
    while some := [auth_key.key(str(item["sk"])) for item in islice(listed, MAX_PAGE)]:
        for (pk, _), item in table.get_all(some, now).items():
            if item.get("createdBy") == user_id and not auth_key.is_revoked(item):
                try:
                    table.write([_revocation(pk.removeprefix(auth_key.PREFIX), user_id, now_ms)])
                except ConditionFailed:
                    continue  # somebody else has, or it is gone


def page(
    keys: AuthKeys, caller: Caller, *, limit: int | None = None, next_token: str | None = None, now_ms: int
) -> dict[str, Any]:
    """All keys, the oldest first, those that ended within 30 days too.

    Raises:
        Unauthorized, InvalidInput, InvalidPageToken, TableError
    """
    field = "Query.authKeys"
    rights.require(caller, field)
    size = validation.limit(limit, default=50, most=MAX_PAGE)
    after = page_tokens.decode(next_token, field) if next_token else ""
    now = now_ms // 1000
    where, values = ("sk > :after", {":after": after}) if after else ("", {})
    listed = keys.table.query(LISTING, where, values, now=now, page_size=size + 1)
    ids = [str(item["sk"]) for item, _ in zip(listed, range(size + 1), strict=False)]
    wanted = list(map(auth_key.key, ids[:size]))
    found = keys.table.get_all(wanted, now)
    return {
        "items": [shown(found[each]) for each in wanted if each in found],
        "nextToken": page_tokens.encode(ids[size - 1], field) if len(ids) > size else None,
    }


def shown(item: Item) -> dict[str, Any]:
    """A key as operators see it: all but what it could be used or guessed by."""
    return {
        "id": item["keyId"], "name": item["name"], "scopes": item["scopes"], "createdAt": item["createdAt"],
        "createdBy": item["createdBy"], "validUntil": times.to_iso(int(item["validUntil"]) * 1000),
        "revokedAt": item.get("revokedAt"),
    }  # fmt: skip


def _revocation(key_id: str, user_id: str, now_ms: int) -> Set:
    """The write that ends a key; its condition fails when it has ended so before."""
    return Set(
        auth_key.key(key_id),
        {"revokedAt": times.to_iso(now_ms), "revokedBy": user_id},
        "attribute_exists(pk) AND attribute_not_exists(#revokedAt)",
    )


def _existing(keys: AuthKeys, key_id: str, now: int) -> Item:
    item = keys.table.get(auth_key.key(key_id), now)
    if item is None:
        raise NotFound("id")
    return item


def _hash(keys: AuthKeys, token: str) -> str:
    return hmac.new(keys.pepper().encode(), token.encode(), hashlib.sha256).hexdigest()
