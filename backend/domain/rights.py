"""Who may ask for what: one table of field, kind of caller and topic. Every Python resolver asks it first.

Fields that JavaScript answers alone are in the table too: a test compares it with the schema's directives, which are
what holds for those.
"""

from collections.abc import Callable, Mapping

from domain import topics
from domain.caller import OPERATORS, Caller, CallerKind, Scope
from domain.errors import Unauthorized

# Whether a caller may have a topic (`room:lobby`); None stands for a field that is about no topic.
Rule = Callable[[Caller, str | None], bool]


def anyone(caller: Caller, topic: str | None) -> bool:
    """Open to every caller of the kind."""
    del caller, topic
    return True


def own(caller: Caller, topic: str | None) -> bool:
    """Open to the user whom the topic is about."""
    return topic == str(topics.user(caller.id))


def operators(caller: Caller, topic: str | None) -> bool:
    """Open to operators, about anyone."""
    del topic
    return caller.is_in(OPERATORS)


def own_or_operators(caller: Caller, topic: str | None) -> bool:
    """Open to the user whom the topic is about, and to operators."""
    return own(caller, topic) or operators(caller, topic)


_OWN: Mapping[CallerKind, Rule] = {CallerKind.USER: own}
_OPERATORS: Mapping[CallerKind, Rule] = {CallerKind.USER: operators}
_OWN_OR_OPERATORS: Mapping[CallerKind, Rule] = {CallerKind.USER: own_or_operators}
_PUBLIC: Mapping[CallerKind, Rule] = dict.fromkeys(CallerKind, anyone)

RULES: Mapping[str, Mapping[CallerKind, Rule]] = {
    # Rooms are open: whoever knows the name of a room reads and writes it.
    "Query.room": _PUBLIC,
    "Query.rooms": _PUBLIC,
    "Query.messages": _PUBLIC,
    "Query.messageChanges": _PUBLIC,
    "Mutation.sendMessage": _PUBLIC,
    "Mutation.sendMessages": _PUBLIC,
    "Subscription.onMessages": _PUBLIC,
    # Users have what is theirs, and operators what is anybody's.
    "Query.me": _OWN,
    "Query.user": _OWN_OR_OPERATORS,
    "Query.users": _OPERATORS,
    "Query.userChanges": _OWN,
    "Mutation.updateProfile": _OWN,
    "Mutation.signOut": _OWN,
    "Mutation.deleteUser": _OWN_OR_OPERATORS,
    "Mutation.setUserGroups": _OPERATORS,
    "Mutation.disconnectUser": _OPERATORS,
    "Subscription.onUser": _OWN,
    # Keys are the operators'; whoever holds one is a caller of a kind of its own.
    "Query.authKeys": _OPERATORS,
    "Mutation.createAuthKey": _OPERATORS,
    "Mutation.revokeAuthKey": _OPERATORS,
    # Which of the IAM callers, says the policy of the publisher's role alone.
    "Mutation.publishMessages": {CallerKind.IAM: anyone},
    "Mutation.publishUsers": {CallerKind.IAM: anyone},
}


def may(caller: Caller, field: str, topic: str | None = None) -> bool:
    """Whether the caller may use a field (`Query.messages`) for a topic. What is not in the table is closed."""
    rule = RULES.get(field, {}).get(caller.kind)
    return rule is not None and in_scope(caller, field) and rule(caller, topic)


def in_scope(caller: Caller, field: str) -> bool:
    """Whether an auth key is for a field; other callers have no scopes and are not limited by them."""
    needed = Scope.WRITE if field.startswith("Mutation.") else Scope.READ
    return caller.kind is not CallerKind.LAMBDA or needed in caller.scopes


def require(caller: Caller, field: str, topic: str | None = None) -> None:
    """Let only those pass who have the right.

    Raises:
        Unauthorized: the caller has not.
    """
    if not may(caller, field, topic):
        raise Unauthorized(field)
