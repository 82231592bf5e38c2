"""JWTs that must not be taken. Each attack changes one thing of a token that is taken: its twin."""

from __future__ import annotations

import socket
import time
import uuid
from collections.abc import Callable
from typing import Any

import pytest

from tests.attacks import forgery
from tests.attacks.target import Person, Target, whole_refusal
from tests.contract.realtime import as_subprotocol, dial, session

pytestmark = pytest.mark.stack

NOT_VALID = "Valid authorization header not provided."
EXPIRED = "Token has expired."
# What is no token of the pool is for the Lambda authorizer to judge, which knows auth keys alone.
NO_KEY_EITHER = "You are not authorized to make this call."


class Forger:
    """Ann's id token, taken apart, and the key that signed it: one who has that may still not do everything."""

    def __init__(self, target: Target) -> None:
        self.person: Person = target.ann
        self.victim: Person = target.bob
        self.header, self.claims = forgery.parts(target.ann.id_token)
        keys = target.instance.state / "aws" / "ministack" / "cognito-pool-keys"
        self.key = forgery.private_key((keys / f"{target.pool_id}-id.pem").read_bytes())
        self.own = forgery.own_key()

    def issued(self, **changed: Any) -> str:
        """A token as the pool would sign it, with changed claims; None takes one away."""
        claims = {name: value for name, value in {**self.claims, **changed}.items() if value is not None}
        return forgery.signed(self.header, claims, self.key)

    def headed(self, key: Any = None, **changed: Any) -> str:
        """A token with a changed header, signed with the pool's key or another."""
        header = {name: value for name, value in {**self.header, **changed}.items() if value is not None}
        return forgery.signed(header, self.claims, key or self.key)

    def with_claims_of_the_victim(self) -> str:
        """Bob's claims with Ann's signature."""
        text = forgery.unsigned(self.header, {**self.claims, "sub": self.victim.id})
        return f"{text}.{self.person.id_token.split('.')[2]}"

    def none(self, algorithm: str) -> str:
        """No signature, and a header that says so."""
        return forgery.unsigned({**self.header, "alg": algorithm}, self.claims) + "."

    def confused(self, secret: bytes) -> str:
        """HS256 with what everybody may know of the key."""
        return forgery.keyed({**self.header, "alg": "HS256"}, self.claims, secret)


NO_KEY = "its issuer has no key "
BAD_SIGNATURE = "Signature verification failed"

# What it is, how it is made, the message of the answer, how the reason in the log begins.
ATTACKS: dict[str, tuple[Callable[[Forger], str], str, str]] = {
    "expired": (lambda f: f.issued(exp=int(time.time()) - 1), EXPIRED, EXPIRED),
    "expires as text": (lambda f: f.issued(exp="4102444800"), NOT_VALID, "exp is "),
    "expires as a boolean": (lambda f: f.issued(exp=True), NOT_VALID, "exp is True"),
    "never expires": (lambda f: f.issued(exp=None), NOT_VALID, "exp is None"),
    "not yet valid": (lambda f: f.issued(nbf=int(time.time()) + 600), NOT_VALID, "it is not valid yet"),
    "another's claims": (Forger.with_claims_of_the_victim, NOT_VALID, BAD_SIGNATURE),
    "a foreign key": (lambda f: f.headed(f.own), NOT_VALID, BAD_SIGNATURE),
    "none": (lambda f: f.none("none"), NOT_VALID, "the algorithm 'none' is not accepted"),
    "None": (lambda f: f.none("None"), NOT_VALID, "the algorithm 'None' is not accepted"),
    "nOnE": (lambda f: f.none("nOnE"), NOT_VALID, "the algorithm 'nOnE' is not accepted"),
    "no algorithm": (lambda f: f.headed(alg=None), NOT_VALID, "the algorithm None is not accepted"),
    "several algorithms": (lambda f: f.headed(alg=["RS256", "none"]), NOT_VALID, "the algorithm ["),
    "key confusion, PEM": (lambda f: f.confused(forgery.public_pem(f.key)), NOT_VALID, "the algorithm 'HS256'"),
    "key confusion, empty": (lambda f: f.confused(b""), NOT_VALID, "the algorithm 'HS256' is not accepted"),
    "another algorithm of the key": (lambda f: f.headed(alg="RS512"), NOT_VALID, "the algorithm 'RS512'"),
    "an unknown key": (lambda f: f.headed(f.own, kid="my-key"), NOT_VALID, f"{NO_KEY}'my-key'"),
    "no key": (lambda f: f.headed(kid=None), NOT_VALID, "it names no key"),
    "a key as a number": (lambda f: f.headed(kid=1), NOT_VALID, "it names no key"),
    "a path as a key": (lambda f: f.headed(f.own, kid="../../../../dev/null"), NOT_VALID, NO_KEY),
    "a statement as a key": (lambda f: f.headed(f.own, kid="x' UNION SELECT 'k"), NOT_VALID, NO_KEY),
    "a line break in a key": (lambda f: f.headed(f.own, kid='x\n{"reason": "admin"}'), NOT_VALID, NO_KEY),
    "brings its own key": (
        lambda f: f.headed(f.own, jwk=forgery.public_jwk(f.own, f.header["kid"])), NOT_VALID, BAD_SIGNATURE,
    ),
    "of another use": (lambda f: f.issued(token_use="refresh"), NOT_VALID, "token_use is 'refresh'"),
    "of no use": (lambda f: f.issued(token_use=None), NOT_VALID, "token_use is None"),
    "an id token as an access token": (lambda f: f.issued(token_use="access"), NOT_VALID, "its client_id "),
    "for another application": (lambda f: f.issued(aud="another"), NOT_VALID, "its aud does not match"),
    "for nobody": (lambda f: f.issued(aud=None), NOT_VALID, "its aud does not match"),
    "for an application whose id begins like ours": (
        lambda f: f.issued(aud=f"{f.claims['aud']}-not"), NOT_VALID, "its aud does not match",
    ),
    "of another pool": (lambda f: f.issued(iss=f"{f.claims['iss']}x"), NO_KEY_EITHER, NO_KEY_EITHER),
    "of an attacker's issuer": (lambda f: f.issued(iss="https://attacker.example"), NO_KEY_EITHER, NO_KEY_EITHER),
    "of an issuer in other letters": (lambda f: f.issued(iss=f.claims["iss"].upper()), NO_KEY_EITHER, NO_KEY_EITHER),
    "of two issuers": (lambda f: f.issued(iss=[f.claims["iss"]]), NO_KEY_EITHER, NO_KEY_EITHER),
    "of no issuer": (lambda f: f.issued(iss=None), NO_KEY_EITHER, NO_KEY_EITHER),
    "cut in its signature": (lambda f: f.person.id_token[:-2], NOT_VALID, ""),
    "without its signature": (lambda f: f.person.id_token.rpartition(".")[0] + ".", NOT_VALID, BAD_SIGNATURE),
    "cut in its claims": (lambda f: f.person.id_token[:200], NO_KEY_EITHER, NO_KEY_EITHER),
    "its claims alone": (lambda f: f.person.id_token.split(".")[1], NO_KEY_EITHER, NO_KEY_EITHER),
    "twice": (lambda f: f"{f.person.id_token},{f.person.id_token}", NO_KEY_EITHER, NO_KEY_EITHER),
    "the refresh token": (lambda f: f.person.refresh_token, "", ""),
    "a scheme alone": (lambda _: "Bearer ", NO_KEY_EITHER, NO_KEY_EITHER),
    "claims that are no object": (
        lambda f: f"{f.person.id_token.split('.')[0]}.{forgery.encoded(b'[1]')}.x", NO_KEY_EITHER, NO_KEY_EITHER,
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def forger(target: Target) -> Forger:
    return Forger(target)


@pytest.mark.parametrize("name", ATTACKS)
def test_a_token_is_refused_and_the_log_says_why(target: Target, forger: Forger, name: str) -> None:
    make, message, reason = ATTACKS[name]
    token = make(forger)
    answer, line = target.refused(lambda: target.ask(token))

    refusal = whole_refusal(answer)
    assert (refusal["status"], refusal["type"]) == (401, "UnauthorizedException")
    assert refusal["message"] == (message or refusal["message"])
    assert line["status"] == 401
    assert line["reason"].startswith(reason), line
    assert token not in str(line)


def test_twins_of_the_tokens_are_taken(target: Target, forger: Forger) -> None:
    """What the attacks change one thing of: the token, the same claims signed anew, and the other kind of token."""
    mine = {"me": {"id": target.ann.id, "name": target.ann.name}}
    valid = (target.ann.id_token, f"Bearer {target.ann.id_token}", forger.issued(), forger.headed())
    for token in (*valid, forger.issued(nbf=int(time.time()) - 5), target.ann.access_token):
        assert target.ask(token).data == mine


def test_tokens_from_elsewhere_in_the_pool_s_account_are_refused(target: Target) -> None:
    """Real sign-ins: at another application of the pool, at another pool."""
    flows = {"ExplicitAuthFlows": ["ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"]}
    other = target.cognito.create_user_pool_client(UserPoolId=target.pool_id, ClientName="other", **flows)
    tokens = target.sign_in(target.ann.name, other["UserPoolClient"]["ClientId"])
    for kind in ("IdToken", "AccessToken"):
        token = tokens[kind]
        answer, line = target.refused(lambda token=token: target.ask(token))  # type: ignore[misc]
        assert (answer.status, line["reason"].endswith("does not match AppIdClientRegex")) == (401, True)

    pool = target.cognito.create_user_pool(PoolName=f"foreign-{uuid.uuid4().hex[:8]}")["UserPool"]["Id"]
    client = target.cognito.create_user_pool_client(UserPoolId=pool, ClientName="foreign", **flows)
    named = {"UserPoolId": pool, "Username": target.ann.name}
    target.cognito.admin_create_user(**named, MessageAction="SUPPRESS")
    target.cognito.admin_set_user_password(**named, Password="Secret-Word-42", Permanent=True)
    foreign = target.sign_in(target.ann.name, client["UserPoolClient"]["ClientId"])["IdToken"]
    answer, line = target.refused(lambda: target.ask(foreign))
    assert (answer.status, line["reason"]) == (401, NO_KEY_EITHER)


def test_no_key_is_fetched_from_where_a_token_says(target: Target, forger: Forger) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.3)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/keys.json"
        for header in ("jku", "x5u"):
            assert target.ask(forger.headed(forger.own, kid="mine", **{header: url})).status == 401
        assert target.ask(forger.issued(iss=url.removesuffix("/keys.json"))).status == 401
        with pytest.raises(TimeoutError):
            listener.accept()


@pytest.mark.parametrize(
    "name", ["expired", "none", "key confusion, PEM", "another's claims", "for another application"]
)
def test_the_same_holds_where_subscriptions_connect_and_start(target: Target, forger: Forger, name: str) -> None:
    token = ATTACKS[name][0](forger)
    forged = {"host": target.api.host, "Authorization": token}
    with dial(target.api, subprotocols=("graphql-ws", as_subprotocol(forged))) as refused:
        frame = refused.frame()
        assert frame["type"] == "connection_error"
        assert frame["payload"]["errors"][0]["errorCode"] == 401
    valid = {"host": target.api.host, "Authorization": target.ann.id_token}
    with session(target.api, valid) as connection:
        [error] = connection.refused("subscription { onUser { topic } }", headers=forged)
        assert error["errorType"] == "UnauthorizedException"
        connection.subscribe("subscription { onUser { topic } }", headers=valid)
