"""Every errorType of the API has an exception of its own, and tells whether to try again."""

from __future__ import annotations

import pytest

from domain import errors as domain_errors
from headwater import errors
from headwater.errors import BY_TYPE, GraphQLFailure, HeadwaterError, Unauthorized, Unreachable, failure, is_transient


def test_the_closed_list_of_the_backend_is_the_clients() -> None:
    theirs = {kind.type for kind in domain_errors.DomainError.__subclasses__()}
    assert theirs == set(BY_TYPE) - {"UnauthorizedException"}
    assert all(BY_TYPE[name] is getattr(errors, name) for name in theirs)


def test_an_error_keeps_what_the_api_said() -> None:
    error = {
        "path": ["sendMessage"],
        "data": None,
        "errorType": "InvalidInput",
        "errorInfo": {"field": "input.text"},
        "locations": [{"line": 1, "column": 2, "sourceName": None}],
        "message": "input.text must not be empty.",
    }
    raised = failure([error], {"sendMessage": None})
    assert isinstance(raised, errors.InvalidInput)
    assert str(raised) == "input.text must not be empty."
    assert (raised.type, raised.info, raised.path) == ("InvalidInput", {"field": "input.text"}, ["sendMessage"])
    assert (raised.errors, raised.data) == ([error], {"sendMessage": None})


def test_an_error_type_without_a_class_is_a_plain_failure() -> None:
    raised = failure([{"errorType": "Lambda:Unhandled", "message": "boom"}])
    assert type(raised) is GraphQLFailure
    assert raised.type == "Lambda:Unhandled"


def test_a_validation_error_has_no_type() -> None:
    raised = failure([{"message": "Validation error of type FieldUndefined: ..."}, {"message": "another"}])
    assert raised.type is None
    assert str(raised).endswith("(and 1 more)")


def test_errors_may_be_one_object_as_in_some_frames() -> None:
    raised = failure(
        {"errorType": "MaxSubscriptionsReachedError", "message": "Max number of 200 subscriptions reached"}
    )
    assert raised.type == "MaxSubscriptionsReachedError"


@pytest.mark.parametrize("odd", [[], "text", [None], None])
def test_errors_of_any_shape_become_a_failure(odd: object) -> None:
    assert isinstance(failure(odd), GraphQLFailure)


def test_a_refused_connection_is_unauthorized() -> None:
    raised = failure([{"errorType": "UnauthorizedException", "message": "You are not ...", "errorCode": 401}])
    assert isinstance(raised, Unauthorized)
    assert not is_transient(raised)


@pytest.mark.parametrize(
    ("error", "transient"),
    [
        (failure([{"errorType": "TryAgain", "message": "busy"}]), True),
        (failure([{"errorType": "LimitExceededError", "message": "Rate limit exceeded"}]), True),
        (failure([{"message": "no", "errorCode": 503}]), True),
        (failure([{"message": "no", "errorCode": 400}]), False),
        (failure([{"errorType": "InvalidInput", "message": "no"}]), False),
        (Unreachable("gone"), True),
        (errors.NoCredentials("not now"), True),
        (errors.UnknownTopic("cart"), False),
        (errors.MissingChanges(3), False),
    ],
)
def test_what_may_succeed_later(error: HeadwaterError, transient: bool) -> None:
    assert is_transient(error) is transient
