"""Another's ids in every argument that takes one: nothing is read, nothing changed, and not even existence is told.

The arguments come from the schema. One that nobody has classified here makes a test fail: add it to `KINDS`, and who
may do it to `TWINS`.
"""

from __future__ import annotations

import enum
import json
import uuid
from collections.abc import Mapping
from typing import Any

import pytest
from graphql import build_client_schema, get_introspection_query

from tests.attacks.arguments import Operation, answered, operations, read
from tests.attacks.target import Person, Target
from tests.contract.realtime import session
from tests.stack.instance import PROJECT

pytestmark = pytest.mark.stack

OPERATIONS = operations(read((PROJECT / "schema.graphql").read_text()))
HAS_PRIVATE_ROOMS = "Mutation.createRoom" in OPERATIONS


class Kind(enum.Enum):
    """Whose an id is."""

    USER = "a user's"
    ROOM = "a room's, which may be private"
    KEY = "a program's key's"
    CLIENT = "a client's"
    LEASE = "of a client that is named too: worth nothing without it"
    NOTICE = "a notice's, among those to the caller or to a client that is named too"
    ORDER = "an order's, among those of the caller"
    PART = "a room's, of which a part of the answer tells (`problem`)"
    NEW = "of something that the caller makes"
    OWN = "the caller's own choice, told apart by caller"
    SHOWN = "a product's or a category's: everybody sees it, and sellers alone change it"
    PUBLISHED = "in what only the publisher may send"


# By the last name of its path; `Query.room.id` and the like, which say too little, by all of it.
KINDS: Mapping[str, Kind] = {
    "roomId": Kind.ROOM,
    "userId": Kind.USER,
    "clientMutationId": Kind.OWN,
    "Query.room.id": Kind.ROOM,
    "Query.user.id": Kind.USER,
    "Mutation.deleteUser.id": Kind.USER,
    "Mutation.setUserGroups.id": Kind.USER,
    "Mutation.disconnectUser.id": Kind.USER,
    "Mutation.revokeAuthKey.id": Kind.KEY,
    "Mutation.createRoom.input.id": Kind.NEW,
    "Mutation.registerClient.input.clientId": Kind.NEW,
    "Mutation.registerClient.input.lease": Kind.LEASE,
    "Mutation.joinRoom.input.clientId": Kind.OWN,
    "Mutation.heartbeat.input.clientId": Kind.OWN,
    "Mutation.leaveRoom.input.clientId": Kind.OWN,
    "Query.bootstrap.clientId": Kind.CLIENT,
    "Query.bootstrap.rooms": Kind.PART,
    "Query.clientChanges.clientId": Kind.CLIENT,
    "Query.notices.clientId": Kind.CLIENT,
    "Mutation.notify.input.clientId": Kind.CLIENT,
    "Mutation.dismissNotice.clientId": Kind.CLIENT,
    "Mutation.dismissNotice.id": Kind.NOTICE,
    "Subscription.onClient.clientId": Kind.CLIENT,
    "Subscription.onClient.lease": Kind.LEASE,
    "Query.cart.clientId": Kind.CLIENT,
    "Query.cartChanges.clientId": Kind.CLIENT,
    "Mutation.addToCart.input.clientId": Kind.CLIENT,
    "Mutation.changeCartLine.input.clientId": Kind.CLIENT,
    "Mutation.removeFromCart.input.clientId": Kind.CLIENT,
    "Mutation.mergeCart.input.clientId": Kind.CLIENT,
    "Subscription.onCart.clientId": Kind.CLIENT,
    "Query.order.id": Kind.ORDER,
    "productId": Kind.SHOWN,
    "category": Kind.SHOWN,
    "parent": Kind.SHOWN,
    "Query.product.id": Kind.SHOWN,
    "Query.category.id": Kind.SHOWN,
    "Query.productPage.id": Kind.SHOWN,
    "Query.productChanges.id": Kind.SHOWN,
    "Subscription.onProduct.id": Kind.SHOWN,
    "Mutation.createCategory.input.id": Kind.SHOWN,
    "Mutation.createProduct.input.id": Kind.SHOWN,
    "Mutation.updateProduct.input.id": Kind.SHOWN,
    "Mutation.setPrice.input.id": Kind.SHOWN,
    "Mutation.changeStock.input.id": Kind.SHOWN,
    "Mutation.deleteProduct.input.id": Kind.SHOWN,
    "Mutation.importProducts.input.products.id": Kind.SHOWN,
}
PUBLISHED = ("Mutation.publish", "Mutation.endSubscriptions")

# Who may do what the attackers may not, when it is not operators with users' ids and owners with rooms'.
TWINS: Mapping[str, str] = {"Mutation.acceptInvitation": "invited"}

# What one must have done for it.
BEFORE: Mapping[str, str] = {"Mutation.heartbeat": "Mutation.joinRoom"}


def kind_of(coordinate: str, path: str) -> Kind | None:
    """Whose the id at a path is; None when nobody has said."""
    if coordinate.startswith(PUBLISHED):
        return Kind.PUBLISHED
    return KINDS.get(f"{coordinate}.{path}", KINDS.get(path.rpartition(".")[2]))


def kinds(operation: Operation) -> set[Kind | None]:
    """Whose ids an operation takes."""
    return {kind_of(operation.coordinate, path) for path in operation.paths("ID")}


ATTACKED = {
    kind: [name for name, each in OPERATIONS.items() if kind in kinds(each)] for kind in Kind
}  # fmt: skip
OF_CARTS = [name for name in ATTACKED[Kind.CLIENT] if "cart" in name.lower()]
OF_SELLERS = [name for name in ATTACKED[Kind.SHOWN] if name.startswith("Mutation.") and name not in OF_CARTS]
ABOUT_USERS = [name for name in ATTACKED[Kind.USER] if name not in ATTACKED[Kind.ROOM]]


def test_every_argument_that_takes_an_id_is_attacked() -> None:
    unknown = [
        f"{name}.{path}" for name, each in OPERATIONS.items() for path in each.paths("ID") if not kind_of(name, path)
    ]
    assert not unknown, f"say whose ids these are, in KINDS of {__file__}: {unknown}"


def test_the_deployed_schema_takes_no_other_ids(target: Target) -> None:
    deployed = operations(build_client_schema(target.api.run(get_introspection_query()).data))
    assert {name: each.paths("ID") for name, each in deployed.items()} == {
        name: each.paths("ID") for name, each in OPERATIONS.items()
    }


class Scene:
    """A victim, their private room where there are such, and one who is invited to it."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self.victim, self.invited = target.person("victim"), target.person("invited")
        self.room = f"room-{uuid.uuid4()}"
        registered = "mutation { registerClient(input: {}) { client { id lease } } }"
        client = self.run(self.victim, registered, {})["data"]["registerClient"]["client"]
        self.client, self.lease = client["id"], client["lease"]
        if HAS_PRIVATE_ROOMS:
            made = "mutation ($input: CreateRoomInput!) { createRoom(input: $input) { id } }"
            answer = self.run(self.victim, made, {"input": {"name": "secret", "private": True}})
            self.room = answer["data"]["createRoom"]["id"]
            asked = "mutation ($room: ID!, $user: ID!) { inviteMember(roomId: $room, userId: $user) { userId } }"
            assert "errors" not in self.run(self.victim, asked, {"room": self.room, "user": self.invited.id})

    def headers(self, who: Person | None) -> dict[str, str]:
        """A person's credentials, or the API key's."""
        return {"x-api-key": self.target.api.key} if who is None else who.headers

    def run(self, who: Person | None, query: str, variables: Mapping[str, Any]) -> Any:
        """The answer to an operation."""
        return self.target.api.run(query, variables, self.headers(who)).json

    def ask(
        self, who: Person | None, operation: Operation, user: str = "", room: str = "", client: str | None = None,
        order: str = "",
    ) -> Any:  # fmt: skip
        """The answer to an operation with these ids; a subscription's is an answer, too."""

        chosen: dict[Kind | None, Any] = {Kind.USER: user, Kind.ROOM: room, Kind.ORDER: order}
        if client is not None:
            chosen = {Kind.CLIENT: client, Kind.LEASE: self.lease}
        query, variables = operation.request(lambda path: chosen.get(kind_of(operation.coordinate, path)))
        if operation.root == "Subscription":
            return self._subscribe(who, query, variables)
        return self.run(who, query, variables)

    def _subscribe(self, who: Person | None, query: str, variables: Mapping[str, Any]) -> Any:
        header = {"host": self.target.api.host, **self.headers(who)}
        with session(self.target.api, header) as socket:
            socket.start(query, variables, headers=header)
            frame = socket.frame()
        if frame["type"] == "start_ack":
            return {"data": {"subscribed": True}}
        return {"data": None, "errors": frame["payload"]["errors"]}


@pytest.fixture(scope="module")
def scene(target: Target) -> Scene:
    return Scene(target)


def refused(answer: Any) -> bool:
    """Whether nothing was told: no data, or an empty answer."""
    data = answer["data"] or {}
    return all(value is None for value in data.values())


@pytest.mark.parametrize("name", ABOUT_USERS)
@pytest.mark.parametrize("attacker", ["ann", "API key"])
def test_another_user_s_id_tells_and_changes_nothing(target: Target, scene: Scene, name: str, attacker: str) -> None:
    who, operation = target.ann if attacker == "ann" else None, OPERATIONS[name]
    before = scene.run(scene.victim, "{ me { id name email groups profile { version } } }", {})
    attack = scene.ask(who, operation, scene.victim.id, scene.room)
    assert refused(attack), attack
    assert attack["errors"][0]["errorType"] == "Unauthorized"
    for unknown in (str(uuid.uuid4()), "", "../admin", f"{scene.victim.id}#PROFILE"):
        assert answered(scene.ask(who, operation, unknown, scene.room)) == answered(attack)
    assert scene.run(scene.victim, "{ me { id name email groups profile { version } } }", {}) == before


@pytest.mark.parametrize("name", ABOUT_USERS)
def test_operators_may_do_it(target: Target, name: str) -> None:
    """The twins, each on a user of its own: some are deleted by it."""
    operation, twin = OPERATIONS[name], target.person("twin").id
    query, variables = operation.request(
        lambda path: ["sellers"] if path == "groups" else twin if kind_of(name, path) is Kind.USER else None
    )
    answer = target.api.run(query, variables, target.opal.headers)
    assert not refused(answer.json), answer.json


@pytest.mark.skipif(not HAS_PRIVATE_ROOMS, reason="the schema has no private rooms")
@pytest.mark.parametrize("name", ATTACKED[Kind.ROOM])
@pytest.mark.parametrize("attacker", ["ann", "API key"])
def test_another_s_private_room_is_as_unknown_as_one_that_is_not(
    target: Target, scene: Scene, name: str, attacker: str
) -> None:
    who, operation = target.ann if attacker == "ann" else None, OPERATIONS[name]
    unknown = f"private:{uuid.uuid4().hex}"
    attack = scene.ask(who, operation, scene.victim.id, scene.room)
    assert refused(attack), attack
    told = answered(attack).replace(scene.room, "ROOM")
    assert answered(scene.ask(who, operation, scene.victim.id, unknown)).replace(unknown, "ROOM") == told
    assert answered(scene.ask(who, operation, str(uuid.uuid4()), scene.room)).replace(scene.room, "ROOM") == told


@pytest.mark.skipif(not HAS_PRIVATE_ROOMS, reason="the schema has no private rooms")
@pytest.mark.parametrize("name", ATTACKED[Kind.ROOM])
def test_its_members_may_do_it(target: Target, name: str) -> None:
    fresh = Scene(target)
    who = {"invited": fresh.invited, "owner": fresh.victim}[TWINS.get(name, "owner")]
    for each in [BEFORE[name], name] if name in BEFORE else [name]:
        answer = fresh.ask(who, OPERATIONS[each], fresh.invited.id, fresh.room)
        assert not refused(answer), answer


@pytest.mark.parametrize("name", ATTACKED[Kind.CLIENT])
@pytest.mark.parametrize("attacker", ["ann", "API key", "opal"])
def test_another_s_client_is_as_one_that_is_not(target: Target, scene: Scene, name: str, attacker: str) -> None:
    if (name, attacker) == ("Mutation.notify", "opal"):
        pytest.skip("which operators may do")
    who = {"ann": target.ann, "API key": None, "opal": target.opal}[attacker]
    attack = scene.ask(who, OPERATIONS[name], client=scene.client)
    assert refused(attack), attack
    assert attack["errors"][0]["errorType"] == "Unauthorized"
    for unknown in (str(uuid.uuid4()), f"guest-{'A' * 32}", "", "x", f"{scene.client}#{scene.lease}"):
        assert answered(scene.ask(who, OPERATIONS[name], client=unknown)) == answered(attack)


@pytest.mark.parametrize("name", sorted(set(ATTACKED[Kind.CLIENT]) - set(OF_CARTS)))
def test_its_owner_may_do_it(target: Target, scene: Scene, name: str) -> None:
    who = target.opal if name == "Mutation.notify" else scene.victim
    answer = scene.ask(who, OPERATIONS[name], client=scene.client)
    assert not refused(answer), answer


@pytest.mark.parametrize("name", OF_CARTS)
def test_its_owner_has_its_cart(scene: Scene, name: str) -> None:
    """A guest's is taken over, in which there is nothing; and in no cart is the product that is asked for."""
    client = scene.client
    if name == "Mutation.mergeCart":
        registered = "mutation { registerClient(input: {}) { client { id } } }"
        client = scene.run(None, registered, {})["data"]["registerClient"]["client"]["id"]
    answer = scene.ask(scene.victim, OPERATIONS[name], client=client)
    assert {error["errorType"] for error in answer.get("errors", ())} <= {"NotFound", "VersionConflict"}, answer


@pytest.mark.parametrize("name", ATTACKED[Kind.ORDER])
def test_another_s_order_is_as_one_that_is_not(target: Target, scene: Scene, name: str) -> None:
    table, order_id = target.instance.resources("AWS::DynamoDB::Table")["MainTable"], f"order-{uuid.uuid4().hex}"
    item = {"pk": {"S": f"ORDERS#{scene.victim.id}"}, "sk": {"S": order_id}}
    target.instance.client("dynamodb").put_item(TableName=table, Item=item)
    for who, given in (
        (target.ann, order_id), (target.opal, order_id), (scene.victim, f"{scene.victim.id}#{order_id}"),
        (target.ann, f"ORDERS#{scene.victim.id}"), (None, order_id), (scene.victim, order_id),
    ):  # fmt: skip
        answer = scene.ask(who, OPERATIONS[name], order=given)
        assert refused(answer) == (who is not scene.victim or given != order_id), answer
        assert ("errors" in answer) == (who is None), answer


@pytest.mark.parametrize("name", OF_SELLERS)
@pytest.mark.parametrize("attacker", ["ann", "API key", "opal"])
def test_what_is_for_sale_is_changed_by_sellers_alone(target: Target, scene: Scene, name: str, attacker: str) -> None:
    who = {"ann": target.ann, "API key": None, "opal": target.opal}[attacker]
    answer = scene.ask(who, OPERATIONS[name])
    assert refused(answer), answer
    assert answer["errors"][0]["errorType"] == "Unauthorized"


def test_a_client_s_id_that_is_taken_is_refused_and_stays_as_it_is(target: Target, scene: Scene) -> None:
    query = "mutation ($input: RegisterClientInput!) { registerClient(input: $input) { client { id lease } } }"
    for given in ({"clientId": scene.client}, {"clientId": scene.client, "lease": scene.lease}):
        for who in (target.ann, target.opal, None):
            answer = scene.run(who, query, {"input": given})
            assert refused(answer), answer
            assert answer["errors"][0]["errorType"] == "Unauthorized"
    found = scene.run(scene.victim, query, {"input": {"clientId": scene.client, "lease": scene.lease}})
    assert found["data"]["registerClient"]["client"] == {"id": scene.client, "lease": scene.lease}


@pytest.mark.parametrize("name", ATTACKED[Kind.PUBLISHED])
def test_what_only_the_publisher_may_send_is_refused(target: Target, scene: Scene, name: str) -> None:
    for who in (None, target.ann, target.opal):
        answer = scene.ask(who, OPERATIONS[name], scene.victim.id, scene.room)
        assert refused(answer), answer
        assert answer["errors"][0]["errorType"] == "Unauthorized"


@pytest.mark.parametrize("name", ATTACKED[Kind.KEY])
def test_a_program_s_key_is_ended_by_operators_alone(target: Target, name: str) -> None:
    query, variables = OPERATIONS[name].request(lambda _: None)
    for headers in (target.ann.headers, {"x-api-key": target.api.key}):
        answer = target.api.run(query, variables, headers)
        assert refused(answer.json)
        assert answer.error["errorType"] == "Unauthorized"


def test_another_s_client_mutation_id_is_one_s_own(target: Target) -> None:
    """Neither does it answer what the other got, nor hinder the caller."""
    room, again = f"room-{uuid.uuid4()}", f"same-{uuid.uuid4()}"
    query = "mutation ($input: SendMessageInput!) { sendMessage(input: $input) { id author text } }"
    sent = {}
    for who in (target.ann, target.bob):
        variables = {"input": {"roomId": room, "text": f"of {who.name}", "clientMutationId": again}}
        sent[who.name] = target.api.run(query, variables, who.headers).data["sendMessage"]
        repeated = target.api.run(query, variables, who.headers).data["sendMessage"]
        assert repeated == sent[who.name]
    assert sent[target.ann.name]["id"] != sent[target.bob.name]["id"]
    assert sent[target.bob.name]["text"] == f"of {target.bob.name}"


def test_nobody_writes_in_another_s_name(target: Target) -> None:
    query = "mutation ($input: SendMessageInput!) { sendMessage(input: $input) { author } }"
    variables = {"input": {"roomId": f"room-{uuid.uuid4()}", "text": "I am Bob", "author": target.bob.name}}
    assert target.api.run(query, variables, target.ann.headers).data["sendMessage"]["author"] == target.ann.name
    # Callers without an identity have display names: whoever wants to know tells a user by more than that.
    assert target.api.run(query, variables).data["sendMessage"]["author"] == target.bob.name


def test_headers_make_nobody_another(target: Target) -> None:
    claims = json.dumps({"sub": target.bob.id})
    forged = {"x-amzn-oidc-data": claims, "x-user-id": target.bob.id, "x-forwarded-user": target.bob.name}
    found = target.api.run("{ me { id } }", headers={**target.ann.headers, **forged}).data["me"]["id"]
    assert found == target.ann.id
    assert target.api.run("{ me { id } }", headers={"x-api-key": target.api.key, **forged}).json["data"] == {"me": None}
