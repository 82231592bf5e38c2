"""Small scenarios, each through the API of a running instance, that together use what the roles may do."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
import uuid
from typing import Any

from tests.contract.realtime import session
from tests.permissions.world import PASSWORD, User, World
from tests.stack.instance import eventually

ROOM = "subscription ($room: ID!) { onMessages(roomId: $room) { items { message { id } } } }"
SECONDS = 8.0
HEARTBEAT_SECONDS = 4
"""Of those who are present, in the templates of the instance that is probed."""
BURST = 30
"""Mutations at once, in the templates of the instance that is probed; without its parameter functions allow 200."""


def send(world: World) -> None:
    """A message is stored."""
    world.send()


def send_as_user(world: World) -> None:
    """A signed-in user's message is stored, with the note that deletion needs."""
    world.send(world.user())


def send_again(world: World) -> None:
    """A mutation is repeated."""
    again = str(uuid.uuid4())
    assert world.send(clientMutationId=again) == world.send(clientMutationId=again)


def read(world: World) -> None:
    """What was sent is read."""
    sent = world.send()
    query = "query ($room: ID!) { messages(roomId: $room) { items { id } } }"
    assert world.run(query, room=world.room)["messages"]["items"] == [{"id": sent}]


def show_room(world: World) -> None:
    """A room is found by its id."""
    assert world.run("query ($room: ID!) { room(id: $room) { id } }", room=world.room) == {"room": None}


def list_rooms(world: World) -> None:
    """Rooms are listed."""
    assert world.run("{ rooms { nextToken } }")["rooms"]


def push(world: World) -> None:
    """A message is pushed to the room, and can be caught up."""
    with session(world.api) as socket:
        socket.subscribe(ROOM, {"room": world.room})
        sent = world.send()
        assert socket.event()["data"]["onMessages"]["items"] == [{"message": {"id": sent}}]


def catch_up(world: World) -> None:
    """Changes are asked for."""
    query = "query ($room: ID!) { messageChanges(roomId: $room, after: 0) { headSeq } }"
    assert world.run(query, room=world.room)["messageChanges"]["headSeq"] == 0


def catch_up_what_was_said(world: World) -> None:
    """What was said is found in the log, once the publisher has numbered it."""
    sent = world.send()
    query = "query ($room: ID!) { messageChanges(roomId: $room, after: 0) { items { message { id } } } }"

    def found() -> bool:
        items = world.run(query, room=world.room)["messageChanges"]["items"]
        return bool(items == [{"message": {"id": sent}}])

    assert eventually(found, SECONDS)


def private_room(world: World) -> None:
    """A private room is made, shared, written to, and left."""
    owner, guest, other = world.user(), world.user(), world.user()
    make = "mutation { createRoom(input: {private: true}) { id } }"
    world.room = world.run(make, owner)["createRoom"]["id"]
    invite = "mutation ($room: ID!, $guest: ID!) { inviteMember(roomId: $room, userId: $guest) { standing } }"
    accept = "mutation ($room: ID!) { acceptInvitation(roomId: $room) { standing } }"
    expel = "mutation ($room: ID!, $guest: ID!) { expelMember(roomId: $room, userId: $guest) { userId } }"
    for each in (guest, other):
        assert world.run(invite, owner, room=world.room, guest=each.id)["inviteMember"] == {"standing": "INVITED"}
        assert world.run(accept, each, room=world.room)["acceptInvitation"] == {"standing": "MEMBER"}
    world.send(guest)
    members = "query ($room: ID!) { members(roomId: $room) { items { userId } } }"
    assert len(world.run(members, guest, room=world.room)["members"]["items"]) == 3
    assert world.run(expel, owner, room=world.room, guest=other.id)["expelMember"] == {"userId": other.id}
    left = world.run("mutation ($room: ID!) { resignMembership(roomId: $room) { userId } }", guest, room=world.room)
    assert left["resignMembership"] == {"userId": guest.id}


def my_memberships(world: World) -> None:
    """A user finds the private room that they have made."""
    owner = world.user()
    room = world.run("mutation { createRoom(input: {private: true}) { id } }", owner)["createRoom"]["id"]

    def found() -> bool:
        items = world.run("{ memberships { items { room { id } } } }", owner)["memberships"]["items"]
        return bool(items == [{"room": {"id": room}}])

    assert eventually(found, SECONDS)


def show_private_room(world: World) -> None:
    """A private room is found by its id."""
    owner = world.user()
    room = world.run("mutation { createRoom(input: {private: true}) { id } }", owner)["createRoom"]["id"]
    assert world.run("query ($room: ID!) { room(id: $room) { id } }", owner, room=room) == {"room": {"id": room}}


def end_by_hand(world: World) -> None:
    """Who is taken out of a private room by a raw write hears no more of it."""
    owner = world.user()
    room = world.run("mutation { createRoom(input: {private: true}) { id } }", owner)["createRoom"]["id"]
    header = {"host": world.api.host, "Authorization": owner.token}
    with session(world.api, header) as socket:
        socket.subscribe(ROOM, {"room": room}, headers=header)
        table = world.instance.resources("AWS::DynamoDB::Table")["MainTable"]
        key = {"pk": {"S": f"MEMBER#{room}"}, "sk": {"S": owner.id}}
        world.instance.client("dynamodb").delete_item(TableName=table, Key=key)
        assert socket.frame()["type"] == "complete"


def limited(world: World, user: User, query: str, **variables: Any) -> None:
    """A caller who makes more mutations at once than the parameter allows is told to wait."""
    headers = {"authorization": user.token}
    for _ in range(5 * BURST):
        answer = world.api.run(query, variables, headers)
        if "errors" in answer.json:
            assert answer.error["errorType"] == "TooManyRequests", answer.body
            return
    raise AssertionError(f"{5 * BURST} mutations, and the limit of {BURST} was not met")


def limit_messages(world: World) -> None:
    """Messages of one user are limited as the parameter says."""
    query = 'mutation ($room: ID!) { sendMessage(input: {roomId: $room, text: "x"}) { id } }'
    limited(world, world.user(), query, room=world.room)


def limit_profile_changes(world: World) -> None:
    """Changes of one profile are limited as the parameter says."""
    limited(world, world.user(), 'mutation { updateProfile(input: {displayName: "A"}) { version } }')


def limit_auth_keys(world: World) -> None:
    """Auth keys of one operator are limited as the parameter says."""
    query = 'mutation { createAuthKey(input: {name: "x", scopes: [READ]}) { key } }'
    limited(world, world.user("operators"), query)


def limit_clients(world: World) -> None:
    """Clients of one user are limited as the parameter says."""
    limited(world, world.user(), "mutation { registerClient(input: {}) { client { id } } }")


def me(world: World) -> None:
    """A user sees what is theirs, and whose profile is missing gets one."""
    user = world.user()
    assert world.run("{ me { id groups } }", user)["me"]["id"] == user.id


def update_profile(world: World) -> None:
    """A profile is changed, twice with one id."""
    query = "mutation ($input: UpdateProfileInput!) { updateProfile(input: $input) { displayName } }"
    user, changes = world.user(), {"displayName": "Ada", "clientMutationId": "once"}
    for _ in range(2):
        assert world.run(query, user, input=changes)["updateProfile"] == {"displayName": "Ada"}


def profile_push(world: World) -> None:
    """A change of a profile is pushed to its user, and can be caught up."""
    user = world.user()
    header = {"host": world.api.host, "Authorization": user.token}
    with session(world.api, header) as socket:
        socket.subscribe("subscription { onUser { userId } }", headers=header)
        world.run('mutation { updateProfile(input: {displayName: "Eve"}) { displayName } }', user)
        assert socket.event()["data"]["onUser"]["userId"] == user.id


def user_changes(world: World) -> None:
    """Changes of a profile are asked for."""
    assert world.run("{ userChanges(after: 0) { headSeq } }", world.user())["userChanges"]["headSeq"] == 0


def profile_catch_up(world: World) -> None:
    """A change of a profile is found in the log, once the publisher has numbered it."""
    user = world.user()
    world.run('mutation { updateProfile(input: {displayName: "Eve"}) { displayName } }', user)

    def found() -> bool:
        items = world.run("{ userChanges(after: 0) { items { profile { displayName } } } }", user)["userChanges"][
            "items"
        ]
        return bool(items and items[-1] == {"profile": {"displayName": "Eve"}})

    assert eventually(found, SECONDS)


def list_users(world: World) -> None:
    """An operator sees the users."""
    assert world.run("{ users { items { id } } }", world.user("operators"))["users"]["items"]


def set_groups(world: World) -> None:
    """An operator puts a user into a group and takes them out of another."""
    query = 'mutation ($id: ID!) { setUserGroups(id: $id, groups: ["sellers"]) { groups } }'
    other = world.user("operators")
    assert world.run(query, world.user("operators"), id=other.id)["setUserGroups"] == {"groups": ["sellers"]}


def sign_out(world: World) -> None:
    """A user signs out everywhere."""
    user = world.user()
    assert world.run("mutation { signOut { userId } }", user)["signOut"] == {"userId": user.id}


def delete_user(world: World) -> None:
    """A user who wrote something is deleted, and the message is nobody's."""
    user = world.user()
    world.others_key()
    world.send(user)

    def done() -> bool:
        return bool(world.run("mutation { deleteUser { done } }", user)["deleteUser"]["done"])

    assert eventually(done, SECONDS)
    [item] = world.run("query ($room: ID!) { messages(roomId: $room) { items { author } } }", room=world.room)[
        "messages"
    ]["items"]
    assert item["author"] != user.name


def delete_member(world: World) -> None:
    """A user who is deleted is in no private room any more."""
    user = world.user()
    world.others_key()
    room = world.run("mutation { createRoom(input: {private: true}) { id } }", user)["createRoom"]["id"]
    table = world.instance.resources("AWS::DynamoDB::Table")["MainTable"]
    key = {"pk": {"S": f"MEMBER#{room}"}, "sk": {"S": user.id}}

    def done() -> bool:
        return bool(world.run("mutation { deleteUser { done } }", user)["deleteUser"]["done"])

    assert eventually(done, SECONDS)
    assert "Item" not in world.instance.client("dynamodb").get_item(TableName=table, Key=key)


def delete_operator(world: World) -> None:
    """The auth keys of an operator who is deleted end."""
    operator = world.user("operators")
    made = 'mutation { createAuthKey(input: {name: "probe", scopes: [READ]}) { key authKey { id } } }'
    key_id = world.run(made, operator)["createAuthKey"]["authKey"]["id"]

    def done() -> bool:
        return bool(world.run("mutation { deleteUser { done } }", operator)["deleteUser"]["done"])

    assert eventually(done, SECONDS)
    table = world.instance.resources("AWS::DynamoDB::Table")["MainTable"]
    key = {"pk": {"S": f"AUTHKEY#{key_id}"}, "sk": {"S": "AUTHKEY"}}
    assert "revokedAt" in world.instance.client("dynamodb").get_item(TableName=table, Key=key)["Item"]


def _web(world: World, path: str, **headers: str) -> Any:
    """What a route of the HTTP API answers."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    request = urllib.request.Request(world.instance.outputs["rest"] + path, headers=named)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def web_session(world: World) -> None:
    """The HTTP API asks Cognito about a refresh token, which takes no right of the role."""
    headers = {"origin": "http://localhost:5173", "content-type": "application/json"}
    url = world.instance.outputs["rest"] + "/session"
    request = urllib.request.Request(url, b'{"refreshToken": "x.y.z"}', headers, method="POST")
    try:
        urllib.request.urlopen(request, timeout=30)
    except urllib.error.HTTPError as error:
        if error.code != 401:
            raise


def web_user(world: World) -> None:
    """The HTTP API tells a user who they are, and what is known of them; without a cart there is none."""
    user = world.user("operators")
    table = world.instance.resources("AWS::DynamoDB::Table")["MainTable"]
    profile = {"pk": {"S": f"USER#{user.id}"}, "sk": {"S": "PROFILE"}, "name": {"S": user.name}}
    world.instance.client("dynamodb").put_item(TableName=table, Item=profile)
    assert _web(world, "/user", authorization=user.access)["id"] == user.id
    assert _web(world, f"/user/{user.id}", authorization=user.access)["name"] == user.name
    unnamed = world.user()  # who has no profile that tells their name is looked for
    assert _web(world, f"/user/{unnamed.id}", authorization=user.access)["name"] == unnamed.name
    try:
        _web(world, "/cart", authorization=user.access)
    except urllib.error.HTTPError as error:
        if error.code != 404:
            raise


def web_shop(world: World) -> None:
    """The HTTP API lists, finds and shows products, and the tree of categories."""
    made = 'mutation { createAuthKey(input: {name: "probe", scopes: [READ]}) { key } }'
    key = world.run(made, world.user("operators"))["createAuthKey"]["key"]
    product = {"pk": {"S": "PRODUCT#probe"}, "sk": {"S": "PRODUCT"}, "title": {"S": "A probe"}}
    table = world.instance.resources("AWS::DynamoDB::Table")["MainTable"]
    world.instance.client("dynamodb").put_item(TableName=table, Item=product)
    assert _web(world, "/products/probe", x_auth_key=key)["title"] == "A probe"

    def listed(query: str) -> bool:
        return "probe" in [each["id"] for each in _web(world, f"/products?{query}", x_auth_key=key)["items"]]

    assert eventually(lambda: listed("title=A+probe&limit=100") and listed("search=probe"), SECONDS)
    assert "items" in _web(world, "/categories", x_auth_key=key)


def search(world: World) -> None:
    """A misspelled product is found."""
    product = {"pk": {"S": "PRODUCT#sought"}, "sk": {"S": "PRODUCT"}, "title": {"S": "Haystack Needle"}}
    table = world.instance.resources("AWS::DynamoDB::Table")["MainTable"]
    world.instance.client("dynamodb").put_item(TableName=table, Item=product)
    asked = '{ searchProducts(text: "haystakc neddle") { items { product { id } } } }'

    def found() -> bool:
        items = world.run(asked)["searchProducts"]["items"]
        return "sought" in [each["product"]["id"] for each in items]

    assert eventually(found, SECONDS)


def web_key(world: World) -> None:
    """The HTTP API tells the holder of an auth key which it is."""
    made = 'mutation { createAuthKey(input: {name: "probe", scopes: [READ]}) { key authKey { id } } }'
    key = world.run(made, world.user("operators"))["createAuthKey"]
    assert _web(world, "/whoami", x_auth_key=key["key"])["keyId"] == key["authKey"]["id"]


def legacy(world: World) -> None:
    """The strangler answers routes that are ours by now."""
    name = world.instance.resources("AWS::SSM::Parameter")["LegacySettings"]
    table = {"routes": [{"path": "/products/**", "to": "new"}, {"path": "/categories", "to": "new"}]}
    world.instance.client("ssm").put_parameter(Name=name, Value=json.dumps(table), Type="String", Overwrite=True)
    key = {"pk": {"S": "PRODUCT#probe"}, "sk": {"S": "PRODUCT"}, "title": {"S": "A probe"}}
    main = world.instance.resources("AWS::DynamoDB::Table")["MainTable"]
    world.instance.client("dynamodb").put_item(TableName=main, Item=key)
    user = world.user()

    def answered() -> bool:
        try:
            return bool(_web(world, "/legacy/products/probe", authorization=user.access)["title"] == "A probe")
        except urllib.error.HTTPError as error:
            if error.code != 503:  # LegacyNotConfigured, until the table is noticed
                raise
            return False

    assert eventually(answered, 2 * SECONDS)

    def listed() -> bool:
        found = _web(world, "/legacy/products?title=A+probe&limit=100", authorization=user.access)["items"]
        return "probe" in [each["id"] for each in found]

    assert eventually(listed, SECONDS)
    assert "items" in _web(world, "/legacy/categories", authorization=user.access)


def revoke_by_hand(world: World) -> None:
    """What an auth key has subscribed to ends when the key is removed by a raw write."""
    made = 'mutation { createAuthKey(input: {name: "probe", scopes: [READ]}) { key authKey { id } } }'
    key = world.run(made, world.user("operators"))["createAuthKey"]
    header = {"host": world.api.host, "Authorization": key["key"]}
    with session(world.api, header) as socket:
        socket.subscribe(ROOM, {"room": world.room}, headers=header)
        table = world.instance.resources("AWS::DynamoDB::Table")["MainTable"]
        where = {"pk": {"S": f"AUTHKEY#{key['authKey']['id']}"}, "sk": {"S": "AUTHKEY"}}
        world.instance.client("dynamodb").delete_item(TableName=table, Key=where)
        assert socket.frame()["type"] == "complete"


def auth_key(world: World) -> None:
    """An operator makes a key twice with one id, lists keys, and revokes it."""
    made = """mutation ($input: CreateAuthKeyInput!) {
        createAuthKey(input: $input) { key authKey { id } } }"""
    wanted = {"name": "probe", "scopes": ["READ"], "clientMutationId": str(uuid.uuid4())}
    operator = world.user("operators")
    first, again = (world.run(made, operator, input=wanted)["createAuthKey"] for _ in range(2))
    assert (first["authKey"], again["key"]) == (again["authKey"], None)
    identifier = first["authKey"]["id"]

    listing = "query ($next: String) { authKeys(nextToken: $next) { items { id } nextToken } }"
    token: str | None = None
    listed: list[dict[str, str]] = []
    while not listed or token:
        page = world.run(listing, operator, next=token)["authKeys"]
        listed, token = [*listed, *page["items"]], page["nextToken"]
    assert {"id": identifier} in listed
    ended = world.run("mutation ($id: ID!) { revokeAuthKey(id: $id) { id } }", operator, id=identifier)
    assert ended == {"revokeAuthKey": {"id": identifier}}


def use_auth_key(world: World) -> None:
    """A program reads with its key."""
    made = "mutation ($input: CreateAuthKeyInput!) { createAuthKey(input: $input) { key } }"
    wanted = {"name": "probe", "scopes": ["READ"]}
    key = world.run(made, world.user("operators"), input=wanted)["createAuthKey"]["key"]
    assert world.api.run("{ rooms { nextToken } }", headers={"authorization": key}).data["rooms"]


def sign_up(world: World) -> None:
    """The pool's trigger makes a profile."""
    name = f"user-{uuid.uuid4().hex[:8]}"
    mail = [{"Name": "email", "Value": f"{name}@example.com"}]
    world.cognito.sign_up(ClientId=world.client, Username=name, Password=PASSWORD, UserAttributes=mail)
    world.cognito.admin_confirm_sign_up(UserPoolId=world.pool, Username=name)


def park(world: World) -> None:
    """Two records that cannot be shown are parked, announced, listed, and given up, one after the other."""
    table = world.instance.resources("AWS::DynamoDB::Table")["MainTable"]
    for _ in range(2):
        pk, sk = f"MESSAGES#{world.room}#2026-01-01T00#0", f"0000000000001#{uuid.uuid4().hex}"
        item = {"pk": {"S": pk}, "sk": {"S": sk}, "text": {"M": {}}}
        world.instance.client("dynamodb").put_item(TableName=table, Item=item)

    def mine(count: int) -> list[dict[str, Any]]:
        items = world.publisher("parked.list")["items"]
        found = [each for each in items if f"room:{world.room}" in each["topics"]]
        return found if len(found) == count else []

    for found in eventually(lambda: mine(2), SECONDS):
        [record] = world.publisher("parked.show", id=found["id"])["items"]
        world.publisher("parked.discard", id=found["id"], eventId=record["eventId"])
    items = world.publisher("parked.list")["items"]
    assert not [each for each in items if f"room:{world.room}" in each["topics"]]
    parked = world.instance.resources("AWS::SQS::Queue")["ParkedQueue"]
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]

    def announced() -> bool:
        answer = world.instance.client("sqs").get_queue_attributes(QueueUrl=parked, AttributeNames=names)
        return any(int(each) for each in answer["Attributes"].values())

    assert eventually(lambda: not announced(), SECONDS)


def register_client(world: World) -> None:
    """A client registers, twice with one id, and starts with what there is."""
    again = str(uuid.uuid4())
    query = """mutation ($id: ID!, $again: ID!) {
        registerClient(input: {clientId: $id, clientMutationId: $again}) { client { id } bootstrap { me { id } } } }"""
    user, client = world.user(), uuid.uuid4().hex
    for _ in range(2):
        made = world.run(query, user, id=client, again=again)["registerClient"]
        assert made == {"client": {"id": client}, "bootstrap": {"me": {"id": user.id}}}


def notices(world: World) -> None:
    """An operator tells a user something, who dismisses it."""
    user, operator = world.user(), world.user("operators")
    world.profile(user)
    tell = """mutation ($guest: ID!, $again: ID!) {
        notify(input: {userId: $guest, kind: "probe", clientMutationId: $again}) { id } }"""
    again = str(uuid.uuid4())
    first, second = (world.run(tell, operator, guest=user.id, again=again)["notify"]["id"] for _ in range(2))
    assert first == second
    assert world.run("{ notices { items { id } } }", user)["notices"]["items"] == [{"id": first}]
    gone = world.run("mutation ($id: ID!) { dismissNotice(id: $id) { id } }", user, id=first)["dismissNotice"]
    assert gone == {"id": first}


def client_catch_up(world: World) -> None:
    """What a client is told is found in the log, once the publisher has numbered it."""
    user, client = world.user(), uuid.uuid4().hex
    register = "mutation ($id: ID!) { registerClient(input: {clientId: $id}) { client { id } } }"
    assert world.run(register, user, id=client)["registerClient"]["client"]["id"] == client
    tell = 'mutation ($id: ID!) { notify(input: {clientId: $id, kind: "probe"}) { id } }'
    sent = world.run(tell, world.user("operators"), id=client)["notify"]["id"]
    query = "query ($id: ID!) { clientChanges(clientId: $id, after: 0) { items { notice { id } } } }"

    def found() -> bool:
        return bool(world.run(query, user, id=client)["clientChanges"]["items"] == [{"notice": {"id": sent}}])

    assert eventually(found, SECONDS)


JOIN = "mutation ($input: JoinRoomInput!) { joinRoom(input: $input) { presence { id absent } } }"


def presence(world: World) -> None:
    """A user comes into a room, says that they are still there, is listed, and goes."""
    user, client = world.user(), {"roomId": world.room, "clientId": uuid.uuid4().hex}
    made = world.run(JOIN, user, input=client)["joinRoom"]["presence"]
    beat = "mutation ($input: HeartbeatInput!) { heartbeat(input: $input) { heartbeatSeconds } }"
    assert world.run(beat, user, input=client)["heartbeat"]["heartbeatSeconds"] == HEARTBEAT_SECONDS
    query = "query ($room: ID!) { presence(roomId: $room) { items { id absent } } }"
    assert world.run(query, user, room=world.room)["presence"]["items"] == [made]
    leave = "mutation ($input: LeaveRoomInput!) { leaveRoom(input: $input) { id } }"
    assert world.run(leave, user, input=client)["leaveRoom"] == {"id": made["id"]}


def presence_in_private(world: World) -> None:
    """A member comes into a private room."""
    owner = world.user()
    room = world.run("mutation { createRoom(input: {private: true}) { id } }", owner)["createRoom"]["id"]
    client = {"roomId": room, "clientId": uuid.uuid4().hex}
    assert world.run(JOIN, owner, input=client)["joinRoom"]["presence"]["id"]


def _presence_changes(world: World, user: User) -> list[Any]:
    query = "query ($room: ID!) { presenceChanges(roomId: $room, after: 0) { items { kind presence { id absent } } } }"
    found: list[Any] = world.run(query, user, room=world.room)["presenceChanges"]["items"]
    return found


def presence_catch_up(world: World) -> None:
    """Who came is found in the log, once the publisher has numbered it."""
    user = world.user()
    made = world.run(JOIN, user, input={"roomId": world.room, "clientId": uuid.uuid4().hex})["joinRoom"]["presence"]
    inserted = {"kind": "INSERT", "presence": made}
    assert eventually(lambda: inserted in _presence_changes(world, user), SECONDS)


def presence_of_the_silent(world: World) -> None:
    """Who says nothing is shown as absent, and is then gone."""
    user = world.user()
    world.run(JOIN, user, input={"roomId": world.room, "clientId": uuid.uuid4().hex})
    query = "query ($room: ID!) { presence(roomId: $room) { items { id } } }"

    def gone() -> bool:
        kinds = [each["kind"] for each in _presence_changes(world, user)]
        return kinds == ["INSERT", "MODIFY", "REMOVE"] and not world.run(query, room=world.room)["presence"]["items"]

    assert eventually(gone, SECONDS + 4 * HEARTBEAT_SECONDS)


def presence_too_large_to_push(world: World) -> None:
    """A presence that somebody has written by hand, too large for a push, is read whole by who catches up."""
    user, table = world.user(), world.instance.resources("AWS::DynamoDB::Table")["MainTable"]
    key = {"pk": {"S": f"PRESENCE#{world.room}"}, "sk": {"S": uuid.uuid4().hex}}
    item = {**key, "name": {"S": "x" * 300_000}}
    world.instance.client("dynamodb").put_item(TableName=table, Item=item)
    query = "query ($room: ID!) { presenceChanges(roomId: $room, after: 0) { items { truncated presence { name } } } }"

    def whole() -> bool:
        items = world.run(query, user, room=world.room)["presenceChanges"]["items"]
        return bool(items and len(items[0]["presence"]["name"]) == 300_000)

    assert eventually(whole, SECONDS)


def limit_presence(world: World) -> None:
    """Heartbeats and the like of one user are limited as the parameter says."""
    limited(world, world.user(), JOIN, input={"roomId": world.room, "clientId": uuid.uuid4().hex})
