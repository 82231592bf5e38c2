"""User pools for tests: pools with one app client, functions as triggers, and the codes that were told."""

from __future__ import annotations

import base64
import contextlib
import http.server
import json
import re
import socketserver
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import unquote

from tests.local.ministack.servers import Server, running, wait_until

PASSWORD = "Secret-Word-42"
FLOWS = [
    "ALLOW_USER_PASSWORD_AUTH",
    "ALLOW_USER_SRP_AUTH",
    "ALLOW_ADMIN_USER_PASSWORD_AUTH",
    "ALLOW_REFRESH_TOKEN_AUTH",
]


class Workers(http.server.BaseHTTPRequestHandler):
    """The invocation socket's server: runs the very source that a function was created with."""

    sources: ClassVar[dict[str, str]] = {}
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """Run one invocation."""
        event = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        name = unquote(self.path).split(":function:")[1].partition("/")[0]
        scope: dict[str, Any] = {}
        exec(self.sources[name], scope)  # noqa: S102 - a test's own source
        failed = None
        try:
            answer = scope["handle"](event, None)
        except Exception as error:  # noqa: BLE001 - whatever the function raises
            failed, answer = "Unhandled", {"errorType": type(error).__name__, "errorMessage": str(error)}
        body = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Amz-Log-Result", base64.b64encode(b"").decode())
        if failed:
            self.send_header("X-Amz-Function-Error", failed)
        self.end_headers()
        self.wfile.write(body)

    def address_string(self) -> str:
        """There is no address on an AF_UNIX socket."""
        return "unix"

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name of the overridden method
        """Say nothing."""


@contextlib.contextmanager
def with_workers(state: Path) -> Iterator[Server]:
    """A mended server whose functions run in this process."""
    with contextlib.ExitStack() as stack:
        directory = stack.enter_context(tempfile.TemporaryDirectory())
        path = str(Path(directory) / "invoke")
        workers = stack.enter_context(socketserver.ThreadingUnixStreamServer(path, Workers))
        thread = threading.Thread(target=workers.serve_forever, args=(0.05,))
        thread.start()
        stack.callback(thread.join)
        stack.callback(workers.shutdown)
        yield stack.enter_context(running(state, mended=True, environment={"HEADWATER_INVOKE": path}))


class Pool:
    """A user pool of a server with one app client that has no secret."""

    def __init__(self, server: Server, *, client: dict[str, Any] | None = None, **settings: Any) -> None:
        self.server = server
        self.cognito = server.client("cognito-idp")
        settings = {"AutoVerifiedAttributes": ["email"], **settings}
        self.id: str = self.cognito.create_user_pool(PoolName="pool", **settings)["UserPool"]["Id"]
        created = self.cognito.create_user_pool_client(
            UserPoolId=self.id, ClientName="app", ExplicitAuthFlows=FLOWS, **(client or {})
        )
        self.client_id: str = created["UserPoolClient"]["ClientId"]

    def sign_up(self, name: str, **more: Any) -> dict[str, Any]:
        """Sign up with a mail address."""
        attributes = [{"Name": "email", "Value": f"{name}@example.com"}, *more.pop("attributes", [])]
        given = {"Username": name, "Password": PASSWORD, "UserAttributes": attributes, **more}
        answer: dict[str, Any] = self.cognito.sign_up(ClientId=self.client_id, **given)
        return answer

    def confirm(self, name: str) -> None:
        """Confirm a sign-up with the code that was told."""
        self.cognito.confirm_sign_up(ClientId=self.client_id, Username=name, ConfirmationCode=self.code(name))

    def user(self, name: str) -> None:
        """A confirmed user."""
        self.sign_up(name)
        self.confirm(name)

    def code(self, name: str, purpose: str = "confirm it", which: int = -1) -> str:
        """A code that was told in the log: the last one, when no other is asked for."""
        return wait_until(lambda: self.codes(name, purpose), f"a code for {name}")[which]  # type: ignore[no-any-return]

    def codes(self, name: str, purpose: str) -> list[str]:
        log = (self.server.state / "log").read_text()
        return re.findall(rf"for {name}@example.com, the code to {purpose} is (\d{{6}})", log)

    def sign_in(self, name: str, password: str = PASSWORD, **more: Any) -> dict[str, Any]:
        """USER_PASSWORD_AUTH."""
        parameters = {"USERNAME": name, "PASSWORD": password}
        answer: dict[str, Any] = self.cognito.initiate_auth(
            ClientId=self.client_id, AuthFlow="USER_PASSWORD_AUTH", AuthParameters=parameters, **more
        )
        return answer

    def tokens(self, name: str, password: str = PASSWORD) -> dict[str, str]:
        found: dict[str, str] = self.sign_in(name, password)["AuthenticationResult"]
        return found

    def attributes(self, name: str) -> dict[str, str]:
        user = self.cognito.admin_get_user(UserPoolId=self.id, Username=name)
        return {each["Name"]: each["Value"] for each in user["UserAttributes"]}

    def set_trigger(self, trigger: str, function: str, *, permitted: bool = True) -> None:
        """Make a function a trigger; `permitted` as by an `AWS::Lambda::Permission`."""
        arn = f"arn:aws:lambda:us-east-1:000000000000:function:{function}"
        held = self.cognito.describe_user_pool(UserPoolId=self.id)["UserPool"].get("LambdaConfig", {})
        self.cognito.update_user_pool(
            UserPoolId=self.id, LambdaConfig=held | {trigger: arn}, AutoVerifiedAttributes=["email"]
        )
        if permitted:
            self.server.client("lambda").add_permission(
                FunctionName=function, StatementId=self.id.replace("_", "-"), Action="lambda:InvokeFunction",
                Principal="cognito-idp.amazonaws.com",
                SourceArn=f"arn:aws:cognito-idp:us-east-1:000000000000:userpool/{self.id}",
            )  # fmt: skip


def claims(token: str) -> dict[str, Any]:
    """What a token says; nobody checks the signature here."""
    payload = token.split(".")[1]
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return found


def create_function(server: Server, name: str, source: str) -> None:
    """A function of a server, mended or stock."""
    Workers.sources[name] = source
    server.create_function(name, source)
