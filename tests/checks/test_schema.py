"""Each convention of the schema, broken once in a schema that otherwise keeps them all."""

import pytest

from checks.schema import Deployment, problems_in

SCHEMA = """
type Query {
  "One room."
  room("Its id." id: ID!): Room
  "All rooms."
  rooms("The page." nextToken: String): RoomConnection!
}
type Mutation {
  "Publishes changes."
  publishRooms("The changes." input: PublishRoomsInput!): Room @aws_iam
}
type Subscription {
  "A room's changes."
  onRoom("The room." id: ID!): Room @aws_subscribe(mutations: ["publishRooms"])
}
"A room."
type Room @aws_api_key @aws_iam {
  "Its id."
  id: ID!
  "Its kind."
  kind: Kind
  "When it was made."
  madeAt: AWSDateTime
}
"Kinds of rooms."
enum Kind {
  "For everybody."
  PUBLIC
}
"A page of rooms."
type RoomConnection {
  "The rooms."
  items: [Room!]!
  "The next page."
  nextToken: String
}
"What to publish."
input PublishRoomsInput {
  "The room."
  id: ID!
}
"""
DEPLOYED = Deployment(modes=("API_KEY", "AWS_IAM"), resolvers=frozenset({"Subscription.onRoom"}))


def test_a_schema_that_keeps_the_conventions_passes() -> None:
    assert problems_in(SCHEMA, DEPLOYED) == []


@pytest.mark.parametrize(
    ("before", "after", "problem"),
    [
        ('"Its id."\n  id: ID!\n  "Its kind."', 'id: ID!\n  "Its kind."', "Room.id: has no description"),
        ('"Its id." id', "id", "Query.room(id:): has no description"),
        ('"A room."\n', "", "Room: has no description"),
        ('  "For everybody."\n', "", "Kind.PUBLIC: has no description"),
        ("PublishRoomsInput", "PublishRooms", "PublishRooms: the name of an input type ends in Input"),
        ("madeAt", "made_at", "Room.made_at: fields are camelCase"),
        ("  PUBLIC", "  Public", "Kind.Public: enum values are UPPER_SNAKE"),
        (": RoomConnection!", ": [Room!]!", "Query.rooms: lists are {items, nextToken}, not a bare list"),
        (
            "  nextToken: String\n",
            "  next: String\n",
            "RoomConnection: lists are {items, nextToken}; missing",
        ),
        ("id: ID!): Room @aws_subscribe", "id: ID!): Room! @aws_subscribe", "Subscription.onRoom: must be nullable"),
        ('["publishRooms"]', '["saveRooms"]', "Subscription.onRoom: @aws_subscribe names Mutation.saveRooms"),
        (' @aws_subscribe(mutations: ["publishRooms"])', "", "Subscription.onRoom: has no @aws_subscribe"),
        ("Room @aws_api_key @aws_iam", "Room @aws_iam", "Room: is published, so it needs @aws_api_key"),
        ("kind: Kind", "kind: Sort", "schema.graphql: Unknown type 'Sort'."),
        ("type Query {", "type Query", "schema.graphql: Syntax Error"),
    ],
)
def test_each_broken_convention_is_named(before: str, after: str, problem: str) -> None:
    assert before in SCHEMA
    found = problems_in(SCHEMA.replace(before, after), DEPLOYED)
    assert any(each.startswith(problem) for each in found), found


def test_a_subscription_without_a_resolver_is_named() -> None:
    (problem,) = problems_in(SCHEMA, Deployment(modes=DEPLOYED.modes, resolvers=frozenset()))
    assert problem.startswith("Subscription.onRoom: has no AWS::AppSync::Resolver")


def test_an_api_with_one_mode_needs_no_directives_on_published_types() -> None:
    alone = Deployment(modes=("API_KEY",), resolvers=DEPLOYED.resolvers)
    assert problems_in(SCHEMA.replace("Room @aws_api_key @aws_iam", "Room"), alone) == []
