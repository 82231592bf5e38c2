"""Requests over HTTP: their forms, headers, and every refusal of a whole request (sheet 1.1 to 1.3)."""

from __future__ import annotations

import json
import re
from urllib.parse import urlencode

import pytest

from tests.contract.api import Answer, Api
from tests.contract.facts import choice, fact
from tests.contract.target import Target

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
ASK = '{"query": "{ keyOnly }"}'
YES = {"keyOnly": "yes"}


def refusal(error_type: str, message: str) -> bytes:
    """The body of a refused request, as Jackson prints it."""
    return (
        f'{{\n  "errors" : [ {{\n    "errorType" : "{error_type}",\n    "message" : "{message}"\n  }} ]\n}}'
    ).encode()


MALFORMED = refusal("MalformedHttpRequestException", "Unable to parse GraphQL query.")
UNAUTHORIZED = refusal("UnauthorizedException", "You are not authorized to make this call.")


@fact("1.1", "DG")
def test_post_of_a_json_object_runs_its_query(api: Api) -> None:
    assert api.post(ASK).data == YES


@fact("10", "clients")
def test_ping_says_healthy_without_credentials(api: Api) -> None:
    # amplify-flutter, web_socket_bloc.dart: any other body means that AppSync cannot be reached.
    answer = api.send("GET", path="/ping")
    assert (answer.status, answer.body) == (200, b"healthy")


@fact("1.4", "sheet")
def test_a_success_is_compact_json_without_errors(api: Api) -> None:
    assert api.post(ASK).body == b'{"data":{"keyOnly":"yes"}}'


@fact("1.1", "DG")
def test_content_type_application_graphql_means_the_same_json_body(api: Api) -> None:
    assert api.post(ASK, content_type="application/graphql").data == YES


@fact("1.1", "sheet")
def test_a_json_array_is_no_batch_but_malformed(api: Api) -> None:
    assert api.post(f"[{ASK}]").status == 400


@fact("1.1", "oh81")
def test_get_takes_the_query_from_the_query_string(api: Api) -> None:
    assert api.send("GET", headers={"x-api-key": api.key}, query=urlencode({"query": "{ keyOnly }"})).data == YES


@fact("1.1", "oh81")
def test_get_takes_variables_and_operation_name(api: Api) -> None:
    query = urlencode({
        "query": "query A { keyOnly } query B($deleted: Boolean!) { confirm(deleted: $deleted) }",
        "variables": '{"deleted": true}',
        "operationName": "B",
    })  # fmt: skip
    assert json.loads(api.send("GET", headers={"x-api-key": api.key}, query=query).data["confirm"]) == {"deleted": True}


@fact("1.1", "oh81")
def test_mutations_over_get_run_too(api: Api) -> None:
    query = urlencode({"query": 'mutation { publish(value: "{\\"id\\": \\"1\\"}") { id } }'})
    assert api.send("GET", headers={"x-api-key": api.key}, query=query).data == {"publish": {"id": "1"}}


@fact("1.1", "sheet")
def test_variables_null_are_no_variables(api: Api) -> None:
    assert api.post('{"query": "{ keyOnly }", "variables": null}').data == YES


@fact("10", "clients")
def test_operation_name_null_is_no_name(api: Api) -> None:
    assert api.post('{"query": "query A { keyOnly }", "operationName": null}').data == YES


@choice("1.1", "Apollo sends `extensions`; nothing says that AppSync minds")
def test_unknown_members_of_the_body_are_ignored(api: Api) -> None:
    assert api.post('{"query": "{ keyOnly }", "extensions": {"a": 1}}').data == YES


@fact("1.1", "sheet")
def test_any_origin_may_read_the_response(api: Api) -> None:
    assert api.post(ASK, origin="https://example.com").headers["access-control-allow-origin"] == "*"


@fact("11.18", "clients")
def test_a_preflight_needs_no_credentials(api: Api) -> None:
    asked = "authorization,content-type,x-amz-date,x-amz-security-token,x-amz-user-agent"
    answer = api.send("OPTIONS", headers={
        "origin": "https://example.com",
        "access-control-request-method": "POST",
        "access-control-request-headers": asked,
    })  # fmt: skip
    allowed = {name.strip().lower() for name in answer.headers["access-control-allow-headers"].split(",")}
    assert answer.status == 200
    assert answer.headers["access-control-allow-origin"] == "*"
    assert set(asked.split(",")) <= allowed


@fact("11.18", "clients")
def test_a_refusal_can_be_read_from_any_origin_with_its_type(api: Api) -> None:
    headers = api.send("POST", ASK.encode(), {"origin": "https://example.com"}).headers
    assert headers["access-control-allow-origin"] == "*"
    assert "x-amzn-errortype" in headers["access-control-expose-headers"].lower()


@fact("1.1", "DG")
def test_a_response_names_its_request_by_a_uuid(api: Api) -> None:
    assert UUID.fullmatch(api.post(ASK).headers["x-amzn-requestid"])


@fact("1.1", "obs amplify-js 5518")
def test_the_exposed_headers_are_appsyncs(api: Api) -> None:
    assert api.post(ASK).headers["access-control-expose-headers"] == (
        "x-amzn-RequestId,x-amzn-ErrorType,x-amz-user-agent,x-amzn-ErrorMessage,Date,x-amz-schema-version"
    )


@fact("1.1", "DG")
def test_a_response_tells_the_tokens_that_it_consumed(api: Api) -> None:
    assert int(api.post(ASK).headers["x-amzn-appsync-tokensconsumed"]) >= 1


@fact("1.1", "obs amplify-js 5518")
def test_content_type_is_json_in_utf_8(api: Api) -> None:
    assert api.post(ASK).headers["content-type"] == "application/json;charset=UTF-8"


@fact("1.1", "DG")
def test_from_1000_bytes_on_a_response_is_compressed(api: Api) -> None:
    query = json.dumps({"query": "query ($s: String) { accept(string: $s) }", "variables": {"s": "a" * 1000}})
    answer = api.post(query, accept_encoding="gzip")
    assert answer.headers["content-encoding"] == "gzip"
    assert json.loads(answer.data["accept"]) == {"string": "a" * 1000}


@fact("1.1", "DG")
def test_a_short_response_is_not_compressed(api: Api) -> None:
    assert "content-encoding" not in api.post(ASK, accept_encoding="gzip").headers


@fact("1.1", "DG")
def test_a_handler_adds_a_header_to_the_response(api: Api) -> None:
    answer = api.run('{ header(name: "x-contract", value: "kept") }')
    assert answer.headers["x-contract"] == "kept"


@fact("1.3", "oh81")
def test_an_empty_body_is_refused(api: Api) -> None:
    answer = api.post(b"")
    assert answer.status == 400
    assert answer.body == refusal("MalformedHttpRequestException", "Request body is empty.")


@pytest.mark.parametrize("body", ["meow", "{}", "[]", "{}}", '{"query": null}', '"{ keyOnly }"'])
@fact("1.3", "oh81")
def test_a_body_without_a_query_is_malformed(api: Api, body: str) -> None:
    answer = api.post(body)
    assert (answer.status, answer.body) == (400, MALFORMED)


@fact("1.3", "oh81")
def test_a_refusal_names_its_type_in_a_header(api: Api) -> None:
    assert api.post("meow").headers["x-amzn-errortype"] == "MalformedHttpRequestException"


@fact("1.2", "obs Molecule")
def test_the_body_is_read_before_credentials(api: Api) -> None:
    assert api.send("POST", b"meow").status == 400


@fact("1.3", "oh81 via floci")
def test_several_operations_need_a_name(api: Api) -> None:
    answer = api.run("query A { keyOnly } query B { keyOnly }")
    assert answer.status == 400
    assert answer.error == {"errorType": "BadRequestException", "message": "Missing operation name."}


@choice("1.3", "graphql-java's text; the status is not recorded")
def test_an_unknown_operation_name_is_answered_with_200(api: Api) -> None:
    answer = api.post('{"query": "query A { keyOnly }", "operationName": "X"}')
    assert answer.status == 200
    assert answer.json["data"] is None
    assert answer.error["message"] == "Unknown operation named 'X'."


@choice("1.3", "oh81 read as speaking of the query string; floci reads it the other way")
@pytest.mark.parametrize("query", ["meow", "{", "{}", "{ keyOnly", ""])
def test_a_query_that_does_not_parse_is_malformed(api: Api, query: str) -> None:
    answer = api.run(query)
    assert (answer.status, answer.body) == (400, MALFORMED)


@fact("1.3", "oh81")
def test_a_validation_error_is_answered_with_200(api: Api) -> None:
    answer = api.run("{badfield}")
    assert answer.status == 200
    assert answer.json == {
        "data": None,
        "errors": [{
            "path": None,
            "locations": [{"line": 1, "column": 2, "sourceName": None}],
            "message": "Validation error of type FieldUndefined: Field 'badfield' in type 'Query' is undefined"
            " @ 'badfield'",
        }],
    }  # fmt: skip


@fact("1.3", "oh81")
def test_each_validation_error_has_its_entry(api: Api) -> None:
    assert len(api.run("{ one two }").errors) == 2


@fact("7.4", "obs")
def test_a_validation_error_names_the_path_of_fields(api: Api) -> None:
    assert api.run("{ item { child { x } } }").error["message"] == (
        "Validation error of type FieldUndefined: Field 'x' in type 'Item' is undefined @ 'item/child/x'"
    )


@fact("1.3", "obs sdk-js 554")
def test_an_object_literal_is_no_awsjson(api: Api) -> None:
    message = api.run('{ accept(json: {a: "b"}) }').error["message"]
    assert message.startswith("Validation error of type WrongType: argument 'json' with value 'ObjectValue{")
    assert message.endswith("' is not a valid 'AWSJSON' @ 'accept'")


@fact("5", "sheet")
def test_a_literal_that_is_no_email_is_shown_as_graphql_java_does(api: Api) -> None:
    assert api.run('{ accept(email: "x") }').error["message"] == (
        "Validation error of type WrongType: argument 'email' with value 'StringValue{value='x'}' is not a valid"
        " 'AWSEmail' @ 'accept'"
    )


@fact("1.3", "obs amplify-flutter 822")
def test_a_variable_that_is_no_phone_number(api: Api) -> None:
    answer = api.run("query ($phone: AWSPhone) { accept(phone: $phone) }", {"phone": "1110004444"})
    assert answer.status == 200
    assert answer.json == {
        "data": None,
        "errors": [{
            "path": None,
            "locations": [{"line": 1, "column": 8, "sourceName": None}],
            "message": "Variable 'phone' has an invalid value. Unable to parse `1110004444` as a valid phone number.",
        }],
    }  # fmt: skip


@fact("1.3", "obs")
@pytest.mark.parametrize("variables", [{}, {"deleted": None}])
def test_a_variable_that_must_not_be_null(api: Api, variables: dict[str, None]) -> None:
    answer = api.run("query ($deleted: Boolean!) { confirm(deleted: $deleted) }", variables)
    assert answer.status == 200
    assert answer.error["message"] == "Variable 'deleted' has coerced Null value for NonNull type 'Boolean!'"


@fact("1.3", "obs amplify-flutter 822")
def test_an_invalid_value_in_an_input_object_names_the_inner_field(api: Api) -> None:
    answer = api.run("query ($input: Input) { accept(input: $input) }", {"input": {"name": "n", "count": "many"}})
    assert answer.error["message"].startswith("Variable 'count' has an invalid value.")


@choice("1.3", "graphql-java's text; AppSync's is not recorded")
def test_a_missing_field_of_an_input_object_names_the_variable(api: Api) -> None:
    answer = api.run("query ($input: Input) { accept(input: $input) }", {"input": {}})
    assert answer.error["message"] == "Variable 'input' has coerced Null value for NonNull type 'String!'"


@choice("1.3", "graphql-java's text; AppSync's is not recorded")
def test_a_missing_field_of_an_input_literal(api: Api) -> None:
    message = api.run("{ accept(input: {}) }").error["message"]
    assert message.startswith("Validation error of type WrongType: argument 'input' with value 'ObjectValue{")
    assert "is missing required fields '[name]'" in message


@choice("1.3", "MQTT handshakes ended in 2022; what took their place is not recorded")
def test_a_subscription_over_http_is_not_supported(api: Api) -> None:
    answer = api.run("subscription { onEvent { id } }")
    assert answer.status == 200
    assert answer.error["errorType"] == "OperationNotSupported"


@fact("1.3", "DG")
@pytest.mark.parametrize("headers", [{}, {"x-api-key": "da2-aaaaaaaaaaaaaaaaaaaaaaaaaa"}, {"x-api-key": ""}])
def test_without_a_valid_api_key_the_call_is_not_authorized(api: Api, headers: dict[str, str]) -> None:
    answer = api.send("POST", ASK.encode(), headers)
    assert (answer.status, answer.body) == (401, UNAUTHORIZED)


@fact("11.16", "clients")
def test_a_401_names_its_type_in_a_header(api: Api) -> None:
    assert api.send("POST", ASK.encode()).headers["x-amzn-errortype"] == "UnauthorizedException"


@fact("1.3", "obs realtime-ios 108")
def test_an_api_for_tokens_wants_an_authorization_header(target: Target) -> None:
    answer = target.token.send("POST", b'{"query": "{ root { name } }"}')
    assert answer.status == 401
    assert answer.error == {"errorType": "UnauthorizedException", "message": "Valid authorization header not provided."}


@fact("1.3", "obs amplify-js 2645")
def test_a_signature_is_no_token(target: Target) -> None:
    body = b'{"query": "{ root { name } }"}'
    answer = target.token.send("POST", body, target.reader.http(target.token.url, body))
    assert answer.status == 401
    assert answer.error == {"errorType": "UnauthorizedException", "message": "Unable to parse JWT token."}


@fact("1.3", "obs amplify-js 2645")
def test_any_other_text_is_no_token_either(target: Target) -> None:
    answer = target.token.send("POST", b'{"query": "{ root { name } }"}', {"authorization": "open sesame"})
    assert answer.status == 401
    assert answer.error["message"] == "Unable to parse JWT token."


def mis_signed(target: Target) -> Answer:
    """A request whose body is not the signed one."""
    return target.api.send("POST", ASK.encode(), target.reader.http(target.api.url, b"another body"))


@fact("1.3", "obs sdk-js 561")
def test_a_wrong_signature_is_told_with_the_canonical_string(target: Target) -> None:
    message = mis_signed(target).error["message"]
    assert message.startswith("The request signature we calculated does not match the signature you provided.")
    assert "The Canonical String for this request should have been\n'POST\n" in message


@fact("1.3", "obs aws-sdk-java 2583")
def test_a_wrong_signature_is_a_bad_request(target: Target) -> None:
    answer = mis_signed(target)
    assert answer.status == 400
    assert answer.error["errorType"] == "BadRequestException"


@fact("1.3", "obs amplify-js 3447")
def test_an_unknown_access_key_is_an_unrecognized_client(target: Target) -> None:
    body = ASK.encode()
    headers = target.reader.http(target.api.url, body)
    headers["Authorization"] = re.sub(r"Credential=\w+", "Credential=AKIAUNKNOWNUNKNOWNXX", headers["Authorization"])
    answer = target.api.send("POST", body, headers)
    assert answer.status == 403
    assert answer.error == {
        "errorType": "UnrecognizedClientException",
        "message": "The security token included in the request is invalid.",
    }


@fact("1.3", "oh81 via floci")
def test_an_api_without_a_schema(target: Target) -> None:
    answer = target.empty.post(ASK)
    assert (answer.status, answer.body) == (502, refusal("GraphQLSchemaException", "No schema definition exists."))


@choice("1.2", "inferred from the statuses")
def test_credentials_are_checked_before_the_schema_is_missed(target: Target) -> None:
    assert target.empty.send("POST", ASK.encode()).status == 401


@fact("8", "DG quotas")
def test_a_query_of_more_than_15000_tokens_is_too_long(api: Api) -> None:
    assert api.run("{" + "keyOnly " * 15_000 + "}").error["message"] == "Maximum char length exceeded."


@fact("1.3", "obs graphw00f")
def test_a_misplaced_directive_is_told_by_its_type(api: Api) -> None:
    answer = api.run("query @skip(if: true) { __typename }")
    assert answer.status == 200
    assert "Validation error of type MisplacedDirective: Directive skip not allowed here" in answer.error["message"]


@choice("1.3", "Coral's error for a path; the status is not recorded")
def test_another_path_is_an_unknown_operation(api: Api) -> None:
    answer = api.send("POST", ASK.encode(), {"x-api-key": api.key}, path="/other")
    assert answer.status == 404
    assert b"UnknownOperationException" in answer.body


@choice("1.3", "Coral's error for a method; the status is not recorded")
def test_another_method_is_an_unknown_operation(api: Api) -> None:
    answer = api.send("PUT", ASK.encode(), {"x-api-key": api.key})
    assert answer.status == 404
    assert b"UnknownOperationException" in answer.body


@fact("1.3", "DG")
def test_within_the_depth_limit_everything_is_answered(target: Target) -> None:
    assert target.limited.run("{ root { child { name } } }").data == {"root": {"child": {"name": "node"}}}


@fact("1.3", "DG")
def test_fields_beyond_the_depth_limit_are_null(target: Target) -> None:
    answer = target.limited.run("{ root { child { name child { name } } } }")
    assert answer.status == 200
    assert answer.json["data"] == {"root": {"child": {"name": "node", "child": {"name": None}}}}
    assert answer.error["errorType"] == "QueryDepthLimitReached"
    assert answer.error["path"] == ["root", "child", "child", "name"]


@fact("1.3", "DG")
def test_resolvers_beyond_their_limit_are_not_run(target: Target) -> None:
    answer = target.limited.run(
        "{ a: root { name } b: root { name } c: root { name } d: root { name } e: root { name } }"
    )
    data = answer.json["data"]
    assert sorted(value is None for value in data.values()) == [False] * 4 + [True]
    assert answer.error["errorType"] == "ResolverExecutionLimitReached"
    assert answer.error["message"] == "Resolver invocation limit reached."


@fact("1.3", "DG")
@pytest.mark.parametrize("query", ["{ __schema { types { name } } }", '{ __type(name: "Query") { name } }'])
def test_introspection_that_is_switched_off_is_a_validation_error(target: Target, query: str) -> None:
    answer = target.limited.run(query)
    assert answer.status == 200
    assert answer.json["data"] is None
    assert answer.error["message"].startswith("Validation error of type FieldUndefined: Field '")


@fact("1.3", "DG")
def test_typename_works_without_introspection(target: Target) -> None:
    assert target.limited.run("{ __typename }").data == {"__typename": "Query"}


@fact("2.2", "sheet")
def test_introspection_shows_the_injected_scalars(api: Api) -> None:
    assert api.run('{ __type(name: "AWSJSON") { kind } }').data == {"__type": {"kind": "SCALAR"}}
