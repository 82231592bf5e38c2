"""The publish mutations: their documents, each with every field that subscribers may select, and inputs.

Generated from schema.graphql by `python -m tools.publish_documents`; do not edit.
"""

DOCUMENTS = {
    "publishMessages": (
        "mutation PublishMessages($input: PublishMessagesInput!) { publishMessages(input: $input) { roomId "
        "topic firstSeq lastSeq items { seq eventId kind at traceId key truncated message { id roomId author "
        "text sentAt version originalTime } } } }"
    ),
}

# The type of each mutation's input.
INPUTS = {
    "publishMessages": "PublishMessagesInput",
}

# Every input type that they need: its members and their types.
INPUT_TYPES = {
    "PublishMessagesInput": {
        "roomId": "ID!",
        "topic": "String!",
        "firstSeq": "Int!",
        "lastSeq": "Int!",
        "items": "[MessageChangeInput!]!",
    },
    "MessageChangeInput": {
        "seq": "Int!",
        "eventId": "ID!",
        "kind": "ChangeKind!",
        "at": "AWSDateTime!",
        "traceId": "String",
        "key": "ID!",
        "truncated": "Boolean!",
        "message": "MessageInput",
    },
    "MessageInput": {
        "id": "ID!",
        "roomId": "ID!",
        "author": "String!",
        "text": "String!",
        "sentAt": "AWSDateTime!",
        "version": "Int!",
        "originalTime": "String",
    },
}

ENUMS = {
    "ChangeKind": (
        "INSERT",
        "MODIFY",
        "REMOVE",
    ),
}
