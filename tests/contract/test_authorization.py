"""Who may see a field: modes, directives, their inheritance, policies and identities (sheet 2)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.contract.api import Answer, Api
from tests.contract.facts import choice, fact
from tests.contract.signing import Signer
from tests.contract.target import Target


def signed(target: Target, query: str, signer: Signer | None = None, **headers: str) -> Answer:
    """An operation signed by a role, by default by the reader."""
    body = json.dumps({"query": query}).encode()
    found = (signer or target.reader).http(target.api.url, body)
    return target.api.send("POST", body, {**found, **{name.replace("_", "-"): text for name, text in headers.items()}})


def refused(field: str, type_name: str, path: list[str | int]) -> dict[str, Any]:
    """The error of a refused field, but for its locations."""
    return {
        "path": path,
        "data": None,
        "errorType": "Unauthorized",
        "errorInfo": None,
        "message": f"Not Authorized to access {field} on type {type_name}",
    }


def without_locations(error: dict[str, Any]) -> dict[str, Any]:
    """An error object without `locations`."""
    return {name: value for name, value in error.items() if name != "locations"}


@fact("2.2", "DG")
def test_a_field_without_directives_is_for_the_default_mode(target: Target) -> None:
    assert target.api.run("{ keyOnly }").data == {"keyOnly": "yes"}
    answer = signed(target, "{ keyOnly }")
    assert answer.status == 200
    assert answer.json["data"] == {"keyOnly": None}
    assert without_locations(answer.error) == refused("keyOnly", "Query", ["keyOnly"])


@fact("2.2", "DG")
def test_a_directive_without_the_default_mode_takes_it_away(target: Target) -> None:
    assert signed(target, "{ signedOnly }").data == {"signedOnly": "yes"}
    answer = target.api.run("{ signedOnly }")
    assert answer.json["data"] == {"signedOnly": None}
    assert without_locations(answer.error) == refused("signedOnly", "Query", ["signedOnly"])


@fact("1.4", "DG")
def test_a_refused_field_has_its_location(api: Api) -> None:
    error = api.run("{\n  signedOnly\n}").error
    assert error["locations"] == [{"line": 2, "column": 3, "sourceName": None}]


@fact("2.2", "DG")
def test_either_of_two_modes_is_enough(target: Target) -> None:
    assert target.api.run("{ either }").data == signed(target, "{ either }").data == {"either": "yes"}


@fact("2.2", "DG")
def test_types_do_not_inherit_from_the_field_that_returns_them(target: Target) -> None:
    assert target.api.run("{ unmarked { id } }").data == {"unmarked": {"id": "1"}}
    answer = signed(target, "{ unmarked { id } }")
    assert answer.json["data"] == {"unmarked": {"id": None}}
    assert without_locations(answer.error) == refused("id", "Unmarked", ["unmarked", "id"])


@fact("2.2", "DG")
def test_a_fields_directive_takes_the_place_of_its_types(target: Target) -> None:
    by_key = target.api.run("{ guarded { id keyed signed } }")
    assert by_key.json["data"] == {"guarded": {"id": "1", "keyed": "key", "signed": None}}
    by_signature = signed(target, "{ guarded { id keyed signed } }")
    assert by_signature.json["data"] == {"guarded": {"id": "1", "keyed": None, "signed": "signature"}}


@fact("2.2", "DG")
def test_a_types_directive_without_the_default_mode_takes_it_away(target: Target) -> None:
    answer = target.api.run("{ signedType { id open } }")
    assert answer.json["data"] == {"signedType": {"id": None, "open": "open"}}
    assert signed(target, "{ signedType { id } }").data == {"signedType": {"id": "1"}}


@fact("2.2", "DG")
def test_each_refused_field_has_its_error(api: Api) -> None:
    answer = api.run("{ signedOnly guarded { signed } signedType { id } }")
    assert [error["path"] for error in answer.errors] == [["signedOnly"], ["guarded", "signed"], ["signedType", "id"]]


@fact("2.2", "DG")
def test_a_refused_non_null_field_makes_its_parent_null(api: Api) -> None:
    answer = api.run("{ required { id signed } }")
    assert answer.json["data"] == {"required": None}
    assert without_locations(answer.errors[0]) == refused("signed", "Requiring", ["required", "signed"])


@fact("2.2", "DG")
def test_the_resolver_of_a_refused_field_does_not_run(api: Api) -> None:
    assert api.run("{ guarded { ran } }").error["errorType"] == "Unauthorized"


@fact("2.2", "DG")
def test_input_types_and_enums_are_not_checked(target: Target) -> None:
    found = signed(target, '{ chosen(color: RED, input: {name: "n"}) }').data["chosen"]
    assert json.loads(found) == {"color": "RED", "input": {"name": "n"}}


@choice("2.2", "nothing says that introspection is for the default mode only")
def test_any_mode_may_introspect(target: Target) -> None:
    assert signed(target, "{ __typename __schema { queryType { name } } }").data["__typename"] == "Query"


@choice("2.1", "no page of AWS states a precedence; floci found that the signature wins, without a fallback")
def test_of_a_signature_and_an_api_key_the_signature_wins(target: Target) -> None:
    both = signed(target, "{ signedOnly }", x_api_key=target.api.key)
    assert both.data == {"signedOnly": "yes"}
    assert signed(target, "{ keyOnly }", x_api_key=target.api.key).json["data"] == {"keyOnly": None}


@choice("2.1", "users of 2020 and 2021 saw it (community 169, amplify-js 8545); no page of AWS states a precedence")
def test_of_an_api_key_and_another_authorization_the_key_wins(api: Api) -> None:
    assert api.run("{ keyOnly }", headers={"x-api-key": api.key, "authorization": "a.b.c"}).data == {"keyOnly": "yes"}


@fact("2.1", "DG")
def test_a_policy_that_denies_a_root_field(target: Target) -> None:
    answer = signed(target, "{ beyondPolicy signedOnly }")
    assert answer.status == 200
    assert answer.json["data"] == {"beyondPolicy": None, "signedOnly": "yes"}
    assert without_locations(answer.error) == refused("beyondPolicy", "Query", ["beyondPolicy"])


@fact("1.3", "obs amplify-js 6982")
def test_a_principal_without_any_right_has_no_permission(target: Target) -> None:
    answer = signed(target, "{ signedOnly }", target.stranger)
    assert answer.status in (401, 403)
    assert answer.error == {"errorType": "UnauthorizedException", "message": "Permission denied"}


@fact("2.3", "DG")
def test_an_api_key_has_no_identity(api: Api) -> None:
    assert api.value("context").get("identity") is None
    assert api.value("direct")["identity"] is None


@fact("2.3", "DG")
def test_the_identity_of_a_role(target: Target) -> None:
    identity = json.loads(signed(target, "{ direct }").data["direct"])["identity"]
    role = target.outputs["ReaderRole"].rpartition("/")[2]
    account = target.outputs["ReaderRole"].split(":")[4]
    assert identity["accountId"] == account
    assert identity["userArn"] == f"arn:aws:sts::{account}:assumed-role/{role}/contract"
    assert identity["username"].startswith("AROA")
    assert identity["username"].endswith(":contract")
    assert isinstance(identity["sourceIp"], list)
    assert {name for name, value in identity.items() if value is None} == {
        "cognitoIdentityPoolId", "cognitoIdentityId", "cognitoIdentityAuthType", "cognitoIdentityAuthProvider",
    }  # fmt: skip


@fact("2.3", "DG")
def test_source_ip_begins_with_what_was_forwarded(target: Target) -> None:
    found = signed(target, "{ context }", x_forwarded_for="203.0.113.7, 198.51.100.1").data["context"]
    assert json.loads(found)["identity"]["sourceIp"][:2] == ["203.0.113.7", "198.51.100.1"]


@fact("2.1", "DG")
@pytest.mark.parametrize("mode", ["API Key Authorization", "IAM Authorization"])
def test_auth_type_names_the_mode(target: Target, mode: str) -> None:
    answer = target.api.run("{ context }") if mode.startswith("API") else signed(target, "{ context }")
    assert json.loads(answer.data["context"])["authType"] == mode
