from __future__ import annotations

import json
from uuid import UUID

import pytest

from headwater.errors import NotQueueable
from headwater.generated import documents
from headwater.generated.input_types import SendMessageInput
from headwater.mutations import Mutation, Optimistic, queueable

SEND = "mutation($input: SendMessageInput!) { sendMessage(input: $input) { id } }"
REVOKE = "mutation($id: ID!, $key: ID) { revokeAuthKey(id: $id, clientMutationId: $key) { id } }"


def test_an_input_gets_an_id_and_the_caller_s_variables_stay_as_they_are() -> None:
    given = {"input": {"roomId": "lobby", "text": "hello"}}
    queued = queueable(SEND, given)
    assert UUID(queued.id)
    assert queued.variables == {"input": {"roomId": "lobby", "text": "hello", "clientMutationId": queued.id}}
    assert "clientMutationId" not in given["input"]


def test_an_id_of_the_caller_is_kept() -> None:
    queued = queueable(SEND, {"input": {"roomId": "lobby", "text": "hello", "clientMutationId": "mine"}})
    assert queued.id == "mine"


def test_an_argument_of_a_field_takes_the_id() -> None:
    queued = queueable(REVOKE, {"id": "k1"}, ordering="key:k1")
    assert queued == Mutation(queued.id, REVOKE, {"id": "k1", "key": queued.id}, "key:k1", [])


def test_an_object_with_a_variable_takes_the_id() -> None:
    document = 'mutation($m: ID) { sendMessage(input: {roomId: "a", text: "b", clientMutationId: $m}) { id } }'
    queued = queueable(document)
    assert queued.variables == {"m": queued.id}


def test_a_generated_input_is_sent_as_the_schema_names_it() -> None:
    queued = queueable(SEND, {"input": SendMessageInput(room_id="lobby", text="hello")})
    assert queued.variables["input"] == {"roomId": "lobby", "text": "hello", "clientMutationId": queued.id}


def test_an_unknown_type_of_input_must_bring_its_id() -> None:
    document = "mutation($input: AddToShelfInput!) { addToShelf(input: $input) { id } }"
    with pytest.raises(NotQueueable, match="not known"):
        queueable(document, {"input": {"sku": "1"}})
    assert queueable(document, {"input": {"sku": "1", "clientMutationId": "mine"}}).id == "mine"


@pytest.mark.parametrize(
    ("document", "variables", "reason"),
    [
        ("query { rooms { items { id } } }", {}, "only a document of one mutation"),
        ("subscription { onUser { topic } }", {}, "only a document of one mutation"),
        ("mutation A { signOut { done } } mutation B { signOut { done } }", {}, "only a document of one mutation"),
        ("mutation {", {}, "no GraphQL document"),
        ("mutation { signOut { done } }", {}, "signOut is given no clientMutationId"),
        ('mutation { signOut(clientMutationId: "fixed") { done } }', {}, "signOut is given no clientMutationId"),
        ("mutation($a: ID, $b: ID) { a: signOut(clientMutationId: $a) { x } b: signOut { x } }", {}, "exactly one"),
        (
            "mutation($input: NewMessageInput!) { say(input: $input) { id } }",
            {"input": {}},
            "given no clientMutationId",
        ),
        (SEND, {}, "the input of a mutation is an object"),
        (SEND, {"input": {"roomId": "a", "text": object()}}, "no JSON"),
        (SEND, {"input": {"roomId": "a", "text": "half of an emoji: \ud83d"}}, "no JSON"),
        (SEND, {"input": {"roomId": "a", "text": float("nan")}}, "no JSON"),
        (SEND, {"input": {"roomId": "a", "text": "b", "clientMutationId": 7}}, "it is a text"),
    ],
)
def test_what_the_server_could_not_know_again_is_refused(
    document: str, variables: dict[str, object], reason: str
) -> None:
    with pytest.raises(NotQueueable, match=reason):
        queueable(document, variables)


def test_every_stored_mutation_that_takes_an_id_can_be_queued() -> None:
    stored = [text for name, text in vars(documents).items() if name.isupper() and text.startswith("mutation")]
    assert len(stored) > 5
    for document in stored:
        assert queueable(document, {"input": {}}).id


def test_the_key_of_an_item_is_found_in_the_answer() -> None:
    assert Optimistic("room:a", "mine", {"id": "mine"}).key_in({"sendMessage": {"id": "m1"}}) == "m1"
    nested = Optimistic("room:a", "mine", {"id": "mine"}, answer_key=("messages", 0, "id"))
    assert nested.key_in({"sendMessages": {"messages": [{"id": "m1"}]}}) == "m1"
    assert nested.key_in({"sendMessages": {"messages": []}}) is None
    assert nested.key_in({"sendMessages": None}) is None
    assert Optimistic("room:a", "m1", None).key_in({}) == "m1"


def test_an_expected_item_is_json_in_the_api_s_shape() -> None:
    item = SendMessageInput(room_id="lobby", text="hello")
    wire = Optimistic("room:lobby", "mine", item).wire()
    assert wire is not None
    assert json.loads(json.dumps(wire))["roomId"] == "lobby"
    assert Optimistic("room:lobby", "mine", None).wire() is None
