"""AppSync's identities, as the developer guide shows them for each mode."""

from typing import Any

import pytest

from domain.caller import ANONYMOUS, Caller, CallerKind, from_identity

IAM = {
    "accountId": "000000000000", "cognitoIdentityPoolId": None, "cognitoIdentityId": None, "sourceIp": ["127.0.0.1"],
    "username": "AROAEXAMPLE:importer", "userArn": "arn:aws:sts::000000000000:assumed-role/loader/importer",
    "cognitoIdentityAuthType": None, "cognitoIdentityAuthProvider": None,
}  # fmt: skip
USER: dict[str, Any] = {
    "sub": "0b7c", "issuer": "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_x", "username": "ann",
    "claims": {}, "sourceIp": ["127.0.0.1"], "defaultAuthStrategy": "ALLOW", "groups": None,
}  # fmt: skip

CLAIMS = {"cognito:groups": ["sellers"], "iat": 1763701200, "token_use": "access"}


@pytest.mark.parametrize(
    ("identity", "caller"),
    [
        (None, ANONYMOUS),
        (IAM, Caller(CallerKind.IAM, str(IAM["userArn"]), "importer")),
        (IAM | {"userArn": "arn:aws:iam::1:user/a/ann"}, Caller(CallerKind.IAM, "arn:aws:iam::1:user/a/ann", "ann")),
        (IAM | {"userArn": "arn:aws:iam::1:root"}, Caller(CallerKind.IAM, "arn:aws:iam::1:root", "root")),
        (USER, Caller(CallerKind.USER, "0b7c", "ann")),
        (USER | {"claims": CLAIMS}, Caller(CallerKind.USER, "0b7c", "ann", frozenset({"sellers"}), 1763701200)),
        (USER | {"groups": ["sellers"]}, Caller(CallerKind.USER, "0b7c", "ann", frozenset({"sellers"}))),
    ],
)  # fmt: skip
def test_who_is_behind_an_identity(identity: dict[str, Any] | None, caller: Caller) -> None:
    assert from_identity(identity) == caller


def test_an_identity_of_another_mode_is_nobody() -> None:
    with pytest.raises(ValueError, match="'issuer'"):
        from_identity({"issuer": "https://issuer.example"})
    with pytest.raises(ValueError, match="'user'"):
        from_identity({"resolverContext": {"user": "ann"}})


def test_only_users_are_in_groups() -> None:
    seller = Caller(CallerKind.USER, "0b7c", "ann", frozenset({"sellers"}))
    assert seller.is_in("sellers")
    assert not seller.is_in("operators")
    assert not Caller(CallerKind.IAM, "arn", "importer", frozenset({"sellers"})).is_in("sellers")
    assert (seller.user_id, ANONYMOUS.user_id) == ("0b7c", None)
