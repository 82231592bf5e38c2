"""Clients' own channels on a running instance, by raw sockets: who is told what, once and in order, and nobody else."""

from __future__ import annotations

import asyncio
import contextlib
import json
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack

import pytest

from tests.stack.channels import (
    CLIENT_CHANGES,
    DISMISS,
    NOTICES,
    NOTIFY,
    ON_CLIENT,
    ON_USER,
    PUBLISH,
    REGISTER,
    USER_CHANGES,
    device,
    hear,
    notify,
)
from tests.stack.instance import Instance, eventually
from tests.stack.users import User, ask, listening, operator, sign_up

pytestmark = pytest.mark.stack


@pytest.fixture(scope="module")
def people(instance: Instance) -> Iterator[list[User]]:
    with ThreadPoolExecutor(3) as threads:
        yield [*threads.map(lambda _: sign_up(instance), range(2)), operator(instance)]


@pytest.fixture
def ann(people: list[User]) -> User:
    return people[0]


@pytest.fixture
def bob(people: list[User]) -> User:
    return people[1]


@pytest.fixture
def op(people: list[User]) -> User:
    return people[2]


# --- who is told ---


async def test_a_notice_to_a_client_is_for_that_client_alone(
    instance: Instance, ann: User, bob: User, op: User
) -> None:
    phone, laptop, his, guest = (device(instance, user) for user in (ann, ann, bob, None))
    async with AsyncExitStack() as stack:
        hers, other, bobs, guests = [
            await stack.enter_async_context(each.listening()) for each in (phone, laptop, his, guest)
        ]
        own = await stack.enter_async_context(ann.listening((ON_USER, {})))
        sent = await asyncio.to_thread(notify, op, clientId=phone.id, data=json.dumps({"n": 1}))
        to_guest = await asyncio.to_thread(notify, op, clientId=guest.id, data=json.dumps({"n": 2}))
        found = await hers.pushed()
        assert (found["clientId"], found["topic"], found["firstSeq"]) == (phone.id, f"client:{phone.id}", 1)
        assert [(each["kind"], each["key"], each["notice"]["id"]) for each in found["items"]] == [
            ("INSERT", sent["id"], sent["id"])
        ]
        assert (await guests.pushed())["items"][0]["notice"]["id"] == to_guest["id"]
        assert await other.silent()
        assert await bobs.silent()
        while not await own.silent():  # the profile's making may still be told
            pass
        assert await hers.silent()
        assert await guests.silent()
    assert ann.data(USER_CHANGES, after=0)["items"][-1]["notice"] is None or sent["id"] not in str(
        ann.data(USER_CHANGES, after=0)
    )


async def test_a_notice_to_a_user_is_on_all_of_their_devices_once(ann: User, bob: User, op: User) -> None:
    async with AsyncExitStack() as stack:
        devices = [await stack.enter_async_context(ann.listening((ON_USER, {}))) for _ in range(3)]
        his = await stack.enter_async_context(bob.listening((ON_USER, {})))
        sent = await asyncio.to_thread(notify, op, userId=ann.id, kind="hello", data='{"text": "hällo"}')
        for each in devices:
            heard = await hear(each, lambda heard: sent["id"] in [item["key"] for item in heard.items])
            (found,) = [item for item in heard.items if item["key"] == sent["id"]]
            assert (found["profile"], found["notice"]["kind"]) == (None, "hello")
            assert json.loads(found["notice"]["data"]) == {"text": "hällo"}
            assert await each.silent()
        assert sent["id"] not in str(await asyncio.to_thread(bob.data, USER_CHANGES, after=0))
        # One device dismisses it, and all hear of that.
        assert (await asyncio.to_thread(ann.data, DISMISS, id=sent["id"]))["topic"] == f"user:{ann.id}"
        for each in devices:
            heard = await hear(each, lambda heard: bool(heard.items))
            assert [(item["kind"], item["key"], item["notice"]) for item in heard.items] == [
                ("REMOVE", sent["id"], None)
            ]
        while not await his.silent():
            pass
    assert sent["id"] not in str(await asyncio.to_thread(ann.data, NOTICES))
    assert (await asyncio.to_thread(ann.data, DISMISS, id=sent["id"]))["id"] == sent["id"]


async def test_many_notices_come_once_and_in_order_also_after_an_absence(
    instance: Instance, ann: User, op: User
) -> None:
    phone = device(instance, ann)

    def send(numbers: range) -> None:
        for number in numbers:
            notify(op, clientId=phone.id, data=json.dumps({"n": number}), clientMutationId=f"{phone.id}-{number}")
            notify(op, clientId=phone.id, data=json.dumps({"n": number}), clientMutationId=f"{phone.id}-{number}")

    async with phone.listening() as listener:
        sending = asyncio.create_task(asyncio.to_thread(send, range(30)))
        heard = await hear(listener, lambda heard: len(heard.items) >= 30)
        await sending
        assert await listener.silent()
    assert heard.data == [{"n": number} for number in range(30)]
    last = heard.items[-1]["seq"]
    await asyncio.to_thread(send, range(30, 50))
    eventually(lambda: ann.data(CLIENT_CHANGES, id=phone.id, after=last)["headSeq"] == 50)
    missed = await asyncio.to_thread(ann.data, CLIENT_CHANGES, id=phone.id, after=last)
    assert [each["seq"] for each in missed["items"]] == list(range(31, 51))
    assert [json.loads(each["notice"]["data"])["n"] for each in missed["items"]] == list(range(30, 50))
    unread = await asyncio.to_thread(ann.data, NOTICES, id=phone.id)
    assert (unread["topic"], unread["headSeq"]) == (f"client:{phone.id}", 50)
    assert [json.loads(each["data"])["n"] for each in unread["items"]] == list(range(50))


async def test_a_notice_by_any_hand_is_pushed_and_expires(instance: Instance, ann: User) -> None:
    phone = device(instance, ann)
    table = instance.resources("AWS::DynamoDB::Table")["MainTable"]
    item = {"pk": {"S": f"NOTICES#client:{phone.id}"}, "sk": {"S": "by-hand"}, "data": {"S": '{"a":1}'}}
    async with phone.listening() as listener:
        instance.client("dynamodb").put_item(TableName=table, Item={**item, "expiresAt": {"N": "1"}})
        (found,) = (await listener.pushed())["items"]
        assert (found["notice"]["kind"], found["notice"]["data"]) == ("unknown", '{"a":1}')
        instance.client("dynamodb").delete_item(TableName=table, Key={"pk": item["pk"], "sk": item["sk"]})
        (found,) = (await listener.pushed())["items"]
        assert (found["kind"], found["notice"]) == ("REMOVE", None)
    assert ann.data(NOTICES, id=phone.id)["items"] == []
    # What had expired when it was caught up is told as gone, and nothing of it is shown.
    assert [each["kind"] for each in ann.data(CLIENT_CHANGES, id=phone.id, after=0)["items"]] == ["REMOVE", "REMOVE"]


# --- taking over ---


@pytest.mark.parametrize("of", ["a user", "a guest"])
async def test_the_newer_connection_lives_and_the_older_is_told_why(
    instance: Instance, ann: User, op: User, of: str
) -> None:
    user = ann if of == "a user" else None
    first = device(instance, user)
    async with first.listening() as older, first.listening() as renewed:
        second = await asyncio.to_thread(first.again)
        assert (second.id, second.lease != first.lease) == (first.id, True)
        async with second.listening() as newer:
            await asyncio.to_thread(notify, op, clientId=first.id, data='{"n": 1}')
            assert (await newer.pushed())["items"][0]["notice"]["data"] == '{"n":1}'
            for each in (older, renewed):
                assert await each.end() == [], "nothing more for the lease of before"
            # The publisher repeats the end, which is of the older lease alone.
            assert await newer.silent()
            await asyncio.to_thread(notify, op, clientId=first.id, data='{"n": 2}')
            assert (await newer.pushed())["items"][0]["notice"]["data"] == '{"n":2}'
    with pytest.raises(AssertionError, match="TakenOver"):
        async with first.listening():
            pass
    assert (
        first.ask(REGISTER, input={"clientId": first.id, "lease": first.lease})["errors"][0]["errorType"] == "TakenOver"
    )
    renewal = second.ask(REGISTER, input={"clientId": second.id, "lease": second.lease})
    assert renewal["data"]["registerClient"]["client"] == {"id": second.id, "lease": second.lease}
    assert first.ask(CLIENT_CHANGES, id=first.id, after=0)["data"]["clientChanges"]["headSeq"] == 2


async def test_of_many_that_register_at_once_one_is_left(instance: Instance, ann: User, op: User) -> None:
    client_id = str(uuid.uuid4())
    with ThreadPoolExecutor(8) as threads:
        devices = list(threads.map(lambda _: device(instance, ann, client_id), range(8)))
    assert len({each.lease for each in devices}) == 8
    live = []
    async with AsyncExitStack() as stack:
        for each in devices:
            with contextlib.suppress(AssertionError):  # `TakenOver`
                live.append(await stack.enter_async_context(each.listening()))
        (only,) = live
        await asyncio.to_thread(notify, op, clientId=client_id)
        assert await only.pushed()


async def test_of_identities_that_register_at_once_one_has_the_id(instance: Instance, ann: User, bob: User) -> None:
    for _ in range(5):
        wanted = {"clientId": str(uuid.uuid4())}
        with ThreadPoolExecutor(6) as threads:
            running = [threads.submit(who.ask, REGISTER, input=wanted) for who in [ann, bob] * 3]
            answers = [each.result() for each in running]
        outcomes = {
            name: {"errors" not in answers[number] for number in numbers}
            for name, numbers in (("ann", (0, 2, 4)), ("bob", (1, 3, 5)))
        }
        assert sorted(map(tuple, outcomes.values())) == [(False,), (True,)]
        assert {each["errors"][0]["errorType"] for each in answers if "errors" in each} == {"Unauthorized"}


async def test_a_registration_that_is_removed_by_hand_ends_its_subscription(instance: Instance, ann: User) -> None:
    phone = device(instance, ann)
    table = instance.resources("AWS::DynamoDB::Table")["MainTable"]
    async with phone.listening() as listener:
        key = {"pk": {"S": f"CLIENT#{phone.id}"}, "sk": {"S": "CLIENT"}}
        instance.client("dynamodb").delete_item(TableName=table, Key=key)
        assert await listener.end() == []


# --- others ---


async def test_foreign_identities_get_nothing(instance: Instance, ann: User, bob: User, op: User) -> None:
    phone, guest = device(instance, ann), device(instance, None)
    notify(op, clientId=phone.id, data='{"secret": 1}')
    for who in (bob, op, None):
        asking = who.ask if who else instance.graphql
        for target in (phone, *([guest] if who else [])):
            for query, variables in (
                (REGISTER, {"input": {"clientId": target.id}}),
                (REGISTER, {"input": {"clientId": target.id, "lease": target.lease}}),
                (CLIENT_CHANGES, {"id": target.id, "after": 0}),
                (NOTICES, {"id": target.id}),
                (DISMISS, {"id": "x", "client": target.id}),
                ("query ($id: ID!) { bootstrap(clientId: $id) { client { lease } } }", {"id": target.id}),
            ):
                answer = asking(query, **variables)
                assert [each["errorType"] for each in answer["errors"]] == ["Unauthorized"], query
                assert "secret" not in str(answer)
                assert ann.id not in str(answer)
    for token in (bob.access, op.access):
        with pytest.raises(AssertionError, match="Unauthorized"):
            async with listening(instance, token, (ON_CLIENT, {"id": phone.id, "lease": phone.lease})):
                pass
    with pytest.raises(AssertionError, match="Unauthorized"):
        async with listening(instance, None, (ON_CLIENT, {"id": phone.id, "lease": phone.lease})):
            pass
    assert ann.data(NOTICES, id=phone.id)["items"][0]["data"] == '{"secret":1}'


def test_only_the_publisher_publishes_and_only_operators_notify(instance: Instance, ann: User, op: User) -> None:
    envelope = {"clientId": "x", "topic": "client:x", "firstSeq": 1, "lastSeq": 1, "items": []}
    for asking in (ann.ask, op.ask, instance.graphql):
        assert asking(PUBLISH, input=envelope)["errors"][0]["errorType"] == "Unauthorized"
    for asking in (ann.ask, instance.graphql):
        assert asking(NOTIFY, input={"userId": ann.id, "kind": "k"})["errors"][0]["errorType"] == "Unauthorized"
    key = op.data(
        "mutation ($input: CreateAuthKeyInput!) { createAuthKey(input: $input) { key } }",
        input={"name": "all", "scopes": ["READ", "WRITE"]},
    )["key"]
    assert ask(instance, key, NOTIFY, input={"userId": ann.id, "kind": "k"})["errors"][0]["errorType"] == "Unauthorized"
    made = ask(instance, key, REGISTER, input={})["data"]["registerClient"]["client"]
    assert not made["id"].startswith("guest-")
    assert notify(op, clientId=made["id"])["kind"] == "k"
    assert len(ask(instance, key, NOTICES, id=made["id"])["data"]["notices"]["items"]) == 1


# --- hostile input ---


@pytest.mark.parametrize(
    "client_id", ["", "short", "x" * 65, "0123456789abcde#", "../../../../../etc", "$" * 20, "ü" * 20, "a" * 16 + "\n"]
)
def test_ids_that_are_none_are_refused(instance: Instance, ann: User, op: User, client_id: str) -> None:
    answer = ann.ask(REGISTER, input={"clientId": client_id})
    assert (answer["errors"][0]["errorType"], answer["errors"][0]["errorInfo"]) == (
        "InvalidInput", {"field": "input.clientId"},
    )  # fmt: skip
    assert ann.refusal(CLIENT_CHANGES, id=client_id, after=0) == "Unauthorized"
    assert op.refusal(NOTIFY, input={"clientId": client_id, "kind": "k"}) == "NotFound"


def test_a_guest_chooses_no_id(instance: Instance) -> None:
    for client_id in (str(uuid.uuid4()), f"guest-{'A' * 32}"):
        assert instance.graphql(REGISTER, input={"clientId": client_id})["errors"][0]["errorType"] == "Unauthorized"


@pytest.mark.parametrize("data", ["", "{", "'a'", "{a: 1}", '{"a": 1}}', "NaN", "undefined"])
def test_what_is_no_json_does_not_fit_the_schema(ann: User, op: User, data: str) -> None:
    answer = op.ask(NOTIFY, input={"userId": ann.id, "kind": "k", "data": data})
    assert answer["data"] is None
    assert "errorType" not in answer["errors"][0]


@pytest.mark.parametrize(
    "data",
    ['"text"', "[]", "1", "true", '{"a":' * 17 + "1" + "}" * 17, "[" * 900 + "]" * 900,
     json.dumps({"x": "y" * 16_001}), '{"n": 9007199254740993}', '{"n": 1e400}', '{"x": "\\ud800"}'],
)  # fmt: skip
def test_json_that_is_no_small_object_is_refused(ann: User, op: User, data: str) -> None:
    before = len(ann.data(NOTICES)["items"])
    answer = op.ask(NOTIFY, input={"userId": ann.id, "kind": "k", "data": data})
    assert (answer["data"] or {}).get("notify") is None
    # Python refuses what AppSync's scalar and its JavaScript let through.
    assert answer["errors"][0].get("errorType") in ("InvalidInput", "MappingTemplate", None), answer
    assert len(ann.data(NOTICES)["items"]) == before


async def test_texts_that_are_code_arrive_as_they_are(instance: Instance, ann: User, op: User) -> None:
    phone = device(instance, ann)
    data = {"<script>": "</script>", "${x}": "{{x}}", "n": [1, -2.5, None, True], "t": "\u2028\u0000\\\"'", "e": "😀"}
    async with phone.listening() as listener:
        sent = await asyncio.to_thread(notify, op, clientId=phone.id, data=json.dumps(data))
        (found,) = (await listener.pushed())["items"]
    caught = ann.data(CLIENT_CHANGES, id=phone.id, after=0)["items"][0]["notice"]["data"]
    unread = ann.data(NOTICES, id=phone.id)["items"][0]["data"]
    assert [json.loads(each) for each in (sent["data"], found["notice"]["data"], caught, unread)] == [data] * 4


# --- the end of a user ---


async def test_a_deleted_user_leaves_neither_clients_nor_notices(instance: Instance, op: User) -> None:
    eve = sign_up(instance)
    phone = device(instance, eve)
    for receiver in ({"userId": eve.id}, {"clientId": phone.id}):
        notify(op, **receiver, data='{"secret": 1}')
    async with phone.listening() as listener:
        assert (await asyncio.to_thread(op.data, "mutation ($id: ID!) { deleteUser(id: $id) { done } }", id=eve.id))[
            "done"
        ]
        assert set(await listener.end()) <= {"onClient"}
    table = instance.resources("AWS::DynamoDB::Table")["MainTable"]
    items = instance.client("dynamodb").scan(TableName=table, ConsistentRead=True)["Items"]
    of_eve = [each for each in items if eve.id in str(each) or phone.id in str(each)]
    assert {each["pk"]["S"].partition("#")[0] for each in of_eve} == {"USER", "CLIENT"}
    (left,) = [each for each in of_eve if each["pk"]["S"] == f"CLIENT#{phone.id}"]
    assert (left["owner"], left.keys() & {"lease", "GSI1PK"}) == ({"S": "NOBODY"}, set())
    assert op.refusal(NOTIFY, input={"clientId": phone.id, "kind": "k"}) == "NotFound"
    assert op.refusal(NOTIFY, input={"userId": eve.id, "kind": "k"}) == "NotFound"
    assert op.refusal(REGISTER, input={"clientId": phone.id}) == "Unauthorized"


def test_no_log_of_the_instance_holds_a_notice_or_a_guest_s_id(instance: Instance, op: User) -> None:
    guest, needle = device(instance, None), f"needle-{uuid.uuid4()}"
    notify(op, clientId=guest.id, data=json.dumps({"text": needle}))
    eventually(lambda: guest.ask(CLIENT_CHANGES, id=guest.id, after=0)["data"]["clientChanges"]["headSeq"] == 1)
    op.ask(NOTIFY, input={"clientId": guest.id, "kind": "", "data": json.dumps({"text": needle})})
    logs = [path for path in (instance.state / "logs").rglob("*") if path.is_file()]
    assert logs
    for path in logs:
        text = path.read_bytes()
        assert needle.encode() not in text, path
        assert guest.id.encode() not in text, path
