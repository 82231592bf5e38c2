"""The documents of the publish mutations, each with every field that subscribers may select.

Generated from schema.graphql by `python -m tools.publish_documents`; do not edit.
"""

DOCUMENTS = {
    "publishMessages": (
        "mutation PublishMessages($input: PublishMessagesInput!) { publishMessages(input: $input) { roomId "
        "topic firstSeq lastSeq items { seq eventId kind at traceId key message { id roomId author text "
        "sentAt version originalTime } } } }"
    ),
}
