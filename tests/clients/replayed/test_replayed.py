"""Amplify's libraries for Swift, Android and Flutter, which cannot run here, replayed against the local data plane.

Each sends the requests and frames that its source says, and judges the answers by its own decoding rules. The port
alone is another: an instance of the tests does not listen on 443, where Android's and Flutter's look whatever the URL
says.
"""

from __future__ import annotations

import base64
import http.client
import json
import ssl
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
from cryptography import x509

from tests.clients.replayed.android import Android
from tests.clients.replayed.flutter import PING_BODY, PING_SECONDS, Flutter
from tests.clients.replayed.library import ApiKey, Credential, Heard, Iam, Known, Library, Token, Undecodable
from tests.clients.replayed.swift import Swift
from tests.clients.replayed.wire import Closed, Upgrade, Wire, dial
from tests.stack.instance import Instance
from tests.stack.users import User, sign_up

pytestmark = pytest.mark.stack

LIBRARIES: tuple[Library, ...] = (Swift(), Android(), Flutter())
SECONDS = 20.0  # the first message of an instance waits for its functions to start
QUIET_SECONDS = 0.4

ON_MESSAGES = """subscription OnMessages($roomId: ID!) {
  onMessages(roomId: $roomId) {
    topic
    firstSeq
    lastSeq
    items { seq kind key message { id text sentAt version } }
  }
}"""
ON_USER = "subscription OnUser {\n  onUser {\n    lastSeq\n  }\n}"
CHANGES = """query MessageChanges($roomId: ID!, $after: Int!) {
  messageChanges(roomId: $roomId, after: $after) { items { seq } lastSeq headSeq resyncRequired }
}"""
SEND = "mutation SendMessage($input: SendMessageInput!) { sendMessage(input: $input) { id text } }"


@pytest.fixture(params=LIBRARIES, ids=lambda library: library.name)
def library(request: pytest.FixtureRequest) -> Library:
    found: Library = request.param
    return found


@pytest.fixture(scope="session")
def outputs(instance: Instance) -> dict[str, Any]:
    """The instance's amplify_outputs.json."""
    found: dict[str, Any] = json.loads((instance.state / "amplify_outputs.json").read_text())
    return found


@pytest.fixture(scope="session")
def ann(instance: Instance) -> User:
    return sign_up(instance)


@pytest.fixture
def room() -> str:
    return f"room-{uuid.uuid4()}"


class Session:
    """A library's connection: what it sent, and what it has heard."""

    def __init__(self, library: Library, wire: Wire, url: str, credential: Credential) -> None:
        self.library = library
        self.wire = wire
        self.url = url
        self.credential = credential
        self.known = Known()

    def hear(self, seconds: float = SECONDS) -> Heard:
        """The next frame that is no keep-alive."""
        deadline = time.monotonic() + seconds
        while True:
            heard = self.library.hear(self.wire.receive(max(0.0, deadline - time.monotonic())), self.known)
            if heard.kind != "ka":
                return heard

    def connect(self) -> Heard:
        self.wire.send(self.library.connection_init())
        return self.hear(self.library.ack_seconds)

    def start(
        self, document: str, variables: Mapping[str, Any] | None = None, credential: Credential | None = None
    ) -> str:
        """Send a start; its answer is yet to be heard."""
        identifier, given = str(uuid.uuid4()), variables or {}
        data = self.library.data(document, given)
        authorization = self.library.authorization(self.url, credential or self.credential, data)
        self.known.pending.add(identifier)
        self.wire.send(self.library.start(identifier, document, given, authorization))
        return identifier

    def subscribe(
        self, document: str, variables: Mapping[str, Any] | None = None, credential: Credential | None = None
    ) -> str:
        identifier = self.start(document, variables, credential)
        assert self.hear(self.library.start_seconds) == Heard("start_ack", identifier)
        return identifier

    def is_quiet(self) -> bool:
        try:
            self.hear(QUIET_SECONDS)
        except TimeoutError:
            return True
        return False


@contextmanager
def connected(
    library: Library, instance: Instance, outputs: dict[str, Any], credential: Credential | None = None
) -> Iterator[Session]:
    """A connection that was acknowledged; by default with the API key."""
    url = library.configure(outputs)
    chosen = credential or ApiKey(outputs["data"]["api_key"])
    with dial(instance.outputs, library.upgrade(url, chosen)) as wire:
        session = Session(library, wire, url, chosen)
        acknowledged = session.connect()
        assert acknowledged.kind == "connection_ack"
        # ka comes every 60 s, and each library counts from the last one.
        assert acknowledged.timeout_ms is not None
        assert acknowledged.timeout_ms > 60_000
        yield session


def iam(outputs: Mapping[str, Any]) -> Iam:
    return Iam("test", "test", outputs["data"]["aws_region"])


def post(
    instance: Instance, library: Library, url: str, credential: Credential, document: str, **variables: Any
) -> Heard:
    """An operation over HTTP, as the library sends it and reads its answer."""
    sent = library.post(url, credential, document, variables)
    endpoint = urlsplit(instance.outputs["graphqlTls"])
    trust = ssl.create_default_context(cafile=instance.outputs["caFile"])
    connection = http.client.HTTPSConnection(endpoint.hostname or "", endpoint.port, timeout=30, context=trust)
    try:
        # The host without its port, which a signature covers: on port 443, where the library expects it, it has none.
        headers = {"host": endpoint.hostname or ""} | {name.lower(): value for name, value in sent.headers}
        connection.request("POST", endpoint.path, sent.body.encode(), headers)
        answer = connection.getresponse()
        return library.answer(answer.status, answer.read().decode())
    finally:
        connection.close()


def test_it_is_configured_by_the_file_that_the_instance_writes(library: Library, outputs: dict[str, Any]) -> None:
    assert library.configure(outputs) == outputs["data"]["url"]


def test_it_looks_for_the_real_time_endpoint_where_it_is(library: Library, instance: Instance) -> None:
    found = urlsplit(library.realtime_url(instance.outputs["graphqlTls"]))
    served = urlsplit(instance.outputs["realtimeTls"])
    assert (found.hostname, found.path) == (served.hostname, served.path)
    # Known and documented: two of them drop the port, so that they look on 443.
    assert found.port == (served.port if library.name == "Swift" else None)


@pytest.mark.parametrize("host", ["abcdefghijklmnopqrstuvwxyz.appsync-api.eu-west-1.amazonaws.com", "api.example.com"])
def test_it_finds_the_endpoint_on_aws(library: Library, host: str) -> None:
    found = urlsplit(library.realtime_url(f"https://{host}/graphql"))
    own = host == "api.example.com"
    assert found.hostname == host.replace("appsync-api", "appsync-realtime-api")
    assert found.path == ("/graphql/realtime" if own else "/graphql")


def test_a_connection_is_acknowledged_then_kept_alive(
    library: Library, instance: Instance, outputs: dict[str, Any]
) -> None:
    with connected(library, instance, outputs) as session:
        assert session.wire.headers["sec-websocket-protocol"] == "graphql-ws"
        # What was offered and is not answered is not used: neither compression nor the protocol with the credentials.
        assert "sec-websocket-extensions" not in session.wire.headers
        assert json.loads(session.wire.receive(5)) == {"type": "ka"}


def test_messages_arrive_and_are_decoded(
    library: Library, instance: Instance, outputs: dict[str, Any], room: str
) -> None:
    with connected(library, instance, outputs) as session:
        identifier = session.subscribe(ON_MESSAGES, {"roomId": room})
        instance.send(room, 'a "quoted" text / with \n lines and \N{GRINNING FACE}')
        heard = session.hear()
        assert (heard.kind, heard.id, heard.errors) == ("data", identifier, ())
        (change,) = heard.data["onMessages"]["items"]
        assert (change["seq"], change["kind"]) == (1, "INSERT")
        assert change["message"]["text"] == 'a "quoted" text / with \n lines and \N{GRINNING FACE}'


def test_stop_is_completed_in_time_and_nothing_follows(
    library: Library, instance: Instance, outputs: dict[str, Any], room: str
) -> None:
    with connected(library, instance, outputs) as session:
        first = session.subscribe(ON_MESSAGES, {"roomId": room})
        second = session.subscribe(ON_MESSAGES, {"roomId": room})
        began = time.monotonic()
        session.wire.send(library.stop(first))
        assert session.hear(library.stop_seconds or SECONDS) == Heard("complete", first)
        assert library.stop_seconds is None or time.monotonic() - began < library.stop_seconds
        # For an id that it has dropped, Android would fail all other subscriptions.
        session.known.live.discard(first)
        instance.send(room, "only for the second")
        assert session.hear().id == second
        assert session.is_quiet()


def test_it_closes_as_it_likes(library: Library, instance: Instance, outputs: dict[str, Any], room: str) -> None:
    with connected(library, instance, outputs) as session:
        session.subscribe(ON_MESSAGES, {"roomId": room})
        assert session.wire.close(library.close_code) == library.close_code


def test_a_new_connection_takes_the_ids_of_the_old(
    library: Library, instance: Instance, outputs: dict[str, Any], room: str
) -> None:
    identifier = str(uuid.uuid4())
    for _ in range(2):
        with connected(library, instance, outputs) as session:
            data = library.data(ON_MESSAGES, {"roomId": room})
            authorization = library.authorization(session.url, session.credential, data)
            session.known.pending.add(identifier)
            session.wire.send(library.start(identifier, ON_MESSAGES, {"roomId": room}, authorization))
            assert session.hear(library.start_seconds) == Heard("start_ack", identifier)


def test_a_wrong_key_is_a_refusal_that_it_reads(library: Library, instance: Instance, outputs: dict[str, Any]) -> None:
    url = library.configure(outputs)
    with dial(instance.outputs, library.upgrade(url, ApiKey("da2-aaaaaaaaaaaaaaaaaaaaaaaaaa"))) as wire:
        refused = Session(library, wire, url, ApiKey("")).connect()
        assert refused.kind == "connection_error"
        told = "NetworkException" if library.name == "Flutter" else "UnauthorizedException"
        assert refused.errors == (told,)
        with pytest.raises(Closed):
            wire.receive(SECONDS)


def test_a_document_that_does_not_fit_fails_its_subscription_alone(
    library: Library, instance: Instance, outputs: dict[str, Any], room: str
) -> None:
    with connected(library, instance, outputs) as session:
        live = session.subscribe(ON_MESSAGES, {"roomId": room})
        refused = session.start("subscription { onMessages(roomId: 1) { nothing } }")
        heard = session.hear(library.start_seconds)
        assert (heard.kind, heard.id) == ("error", refused)
        assert "FieldUndefined" in heard.errors[0]
        instance.send(room, "still here")
        assert session.hear().id == live


def test_a_subscription_without_a_right_is_refused_as_unauthorized(
    library: Library, instance: Instance, outputs: dict[str, Any]
) -> None:
    with connected(library, instance, outputs) as session:
        refused = session.start(ON_USER)  # with the API key, which is nobody's
        heard = session.hear(library.start_seconds)
        assert (heard.kind, heard.id, heard.errors) == ("error", refused, ("Unauthorized",))


def test_one_subscription_too_many_is_an_error_that_it_can_read(
    library: Library, instance: Instance, outputs: dict[str, Any], room: str
) -> None:
    with connected(library, instance, outputs) as session:
        for _ in range(200):
            session.subscribe(ON_MESSAGES, {"roomId": room})
        refused = session.start(ON_MESSAGES, {"roomId": room})
        heard = session.hear(library.start_seconds)
        # AppSync sends one object in place of the list: Android reads no further.
        told = "AppSyncDeserializationException" if library.name == "Android" else "MaxSubscriptionsReachedError"
        assert (heard.kind, heard.id, heard.errors) == ("error", refused, (told,))


def test_its_signatures_are_taken(library: Library, instance: Instance, outputs: dict[str, Any], room: str) -> None:
    with connected(library, instance, outputs, iam(outputs)) as session:
        session.subscribe(ON_MESSAGES, {"roomId": room})
        instance.send(room, "signed")
        assert session.hear().data["onMessages"]["lastSeq"] == 1


def test_a_start_that_was_signed_for_other_data_is_refused(
    library: Library, instance: Instance, outputs: dict[str, Any], room: str
) -> None:
    with connected(library, instance, outputs, iam(outputs)) as session:
        authorization = library.authorization(session.url, session.credential, library.data(ON_USER, {}))
        session.known.pending.add("other")
        session.wire.send(library.start("other", ON_MESSAGES, {"roomId": room}, authorization))
        heard = session.hear(library.start_seconds)
        assert (heard.kind, heard.errors) == ("error", ("BadRequestException",))


def test_the_token_of_a_user_pool_opens_the_users_own_topic(
    library: Library, instance: Instance, outputs: dict[str, Any], ann: User
) -> None:
    with connected(library, instance, outputs, Token(ann.access)) as session:
        session.subscribe(ON_USER)
        ann.data(
            "mutation ($input: UpdateProfileInput!) { updateProfile(input: $input) { id } }", input={"attributes": []}
        )
        assert session.hear().kind == "data"


def test_one_connection_carries_subscriptions_of_several_modes(
    library: Library, instance: Instance, outputs: dict[str, Any], ann: User, room: str
) -> None:
    with connected(library, instance, outputs) as session:
        session.subscribe(ON_USER, credential=Token(ann.access))
        session.subscribe(ON_MESSAGES, {"roomId": room}, iam(outputs))


@pytest.mark.parametrize("mode", ["key", "token", "iam"])
def test_operations_over_http(
    library: Library, instance: Instance, outputs: dict[str, Any], ann: User, room: str, mode: str
) -> None:
    url = library.configure(outputs)
    credentials: dict[str, Credential] = {
        "key": ApiKey(outputs["data"]["api_key"]),
        "token": Token(ann.access),
        "iam": iam(outputs),
    }
    sent = post(instance, library, url, credentials[mode], SEND, input={"roomId": room, "text": "a / b"})
    assert sent.errors == ()
    assert sent.data["sendMessage"]["text"] == "a / b"


def test_the_log_is_read_after_a_number(
    library: Library, instance: Instance, outputs: dict[str, Any], room: str
) -> None:
    url, key = library.configure(outputs), ApiKey(outputs["data"]["api_key"])
    with connected(library, instance, outputs) as session:
        session.subscribe(ON_MESSAGES, {"roomId": room})
        for text in ("one", "two", "three"):
            instance.send(room, text)
        while session.hear().data["onMessages"]["lastSeq"] < 3:
            pass
    page = post(instance, library, url, key, CHANGES, roomId=room, after=1).data["messageChanges"]
    assert page == {"items": [{"seq": 2}, {"seq": 3}], "lastSeq": 3, "headSeq": 3, "resyncRequired": False}


@pytest.mark.parametrize(
    ("document", "variables", "told"),
    [
        ("{ nothing }", {}, "Validation error of type FieldUndefined"),
        (SEND, {"input": {"roomId": "lobby", "text": ""}}, "InvalidInput"),
        (SEND, {"input": {"roomId": "lobby"}}, "Variable 'input' has coerced Null value"),
        ('{ messages(roomId: "lobby", nextToken: "broken") { items { id } } }', {}, "InvalidPageToken"),
        ("{ me { id } }", {}, "Unauthorized"),
        ("{ nothing", {}, "MalformedHttpRequestException"),
    ],
)
def test_every_kind_of_error_is_one_that_it_decodes(
    library: Library, instance: Instance, outputs: dict[str, Any], document: str, variables: dict[str, Any], told: str
) -> None:
    key = ApiKey(outputs["data"]["api_key"])
    heard = post(instance, library, library.configure(outputs), key, document, **variables)
    assert told in heard.errors[0]


def test_a_refused_key_is_an_error_that_it_decodes(
    library: Library, instance: Instance, outputs: dict[str, Any]
) -> None:
    heard = post(instance, library, library.configure(outputs), ApiKey("da2-wrong"), "{ rooms { items { id } } }")
    assert heard.errors == ("UnauthorizedException",)


# Until September 2024 all three carried the credentials in the query string: amplify-swift before 7740b5104,
# amplify-android before 5cbc21b29, amplify-flutter before f825f86d68.
@pytest.mark.parametrize("library", LIBRARIES, ids=lambda library: f"older {library.name}", indirect=True)
@pytest.mark.parametrize("mode", ["key", "iam"])
def test_older_versions_carry_the_credentials_in_the_query_string(
    library: Library, instance: Instance, outputs: dict[str, Any], mode: str
) -> None:
    url = library.configure(outputs)
    credential: Credential = iam(outputs) if mode == "iam" else ApiKey(outputs["data"]["api_key"])
    header = json.dumps(library.authorization(f"{url}/connect", credential, "{}")).encode()
    query = {
        # URLQueryItem leaves "+", "/" and "=" as they are.
        "Swift": f"header={base64.b64encode(header).decode()}&payload=e30=",
        # Base64.DEFAULT breaks lines; Uri.Builder escapes all of it.
        "Android": f"header={quote(base64.encodebytes(header).decode(), safe='')}&payload=e30%3D",
        "Flutter": f"header={quote(base64.b64encode(header).decode(), safe='')}&payload=e30%3D",
    }[library.name]
    headers = (("Host", "127.0.0.1"), ("Sec-WebSocket-Protocol", "graphql-ws"))
    with dial(instance.outputs, Upgrade(f"/graphql/realtime?{query}", headers)) as wire:
        assert Session(library, wire, url, credential).connect().kind == "connection_ack"


def test_flutter_pings_where_the_api_is(instance: Instance, outputs: dict[str, Any]) -> None:
    target = urlsplit(Flutter().ping_url(outputs["data"]["url"]))
    trust = ssl.create_default_context(cafile=instance.outputs["caFile"])
    connection = http.client.HTTPSConnection(target.netloc, timeout=PING_SECONDS, context=trust)
    connection.request("GET", target.path)
    assert connection.getresponse().read() == PING_BODY
    connection.close()


def test_the_certificate_is_one_that_apple_takes(instance: Instance) -> None:
    # https://support.apple.com/en-us/103769: a name in the alternatives, serverAuth, at most 825 days.
    endpoint = urlsplit(instance.outputs["graphqlTls"])
    shown = x509.load_pem_x509_certificate(ssl.get_server_certificate((endpoint.hostname, endpoint.port)).encode())
    assert (shown.not_valid_after_utc - shown.not_valid_before_utc).days <= 825
    names = shown.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert "localhost" in names.get_values_for_type(x509.DNSName)
    assert (
        x509.oid.ExtendedKeyUsageOID.SERVER_AUTH
        in shown.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    )


@pytest.mark.parametrize(
    ("frame", "who"),
    [
        ({"type": "connection_ack"}, {"Swift", "Android", "Flutter"}),
        ({"type": "connection_ack", "payload": {"connectionTimeoutMs": "300000"}}, {"Swift", "Flutter"}),
        ({"type": "pong"}, {"Swift", "Android", "Flutter"}),
        ({"type": "start_ack", "id": "unknown"}, {"Android", "Flutter"}),
        ({"type": "complete"}, {"Android", "Flutter"}),
        ({"type": "data", "id": "known", "payload": []}, {"Swift", "Android", "Flutter"}),
        ({"type": "error", "id": "known", "payload": {"errors": [{"errorType": "Odd"}]}}, {"Swift", "Flutter"}),
        ({"type": "data", "id": "known", "payload": {"errors": [{"message": "m", "errorInfo": "text"}]}}, {"Flutter"}),
        ({"type": "error", "payload": {"errors": [{"message": "m"}]}}, {"Android"}),
    ],
)
def test_the_judges_refuse_what_their_libraries_cannot_read(frame: dict[str, Any], who: set[str]) -> None:
    def refuses(library: Library) -> bool:
        try:
            library.hear(json.dumps(frame), Known(live={"known"}))
        except Undecodable:
            return True
        return False

    assert {library.name for library in LIBRARIES if refuses(library)} == who
