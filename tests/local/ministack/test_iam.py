"""Permissions: policies are evaluated as IAM does, denials have AWS's words, services assume only what trusts them."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.local.ministack.servers import Server, running

STOCK = pytest.param("enforcing", marks=pytest.mark.xfail(strict=True, reason="unmended MiniStack has the symptom"))
contract = pytest.mark.parametrize("server", ["mended", STOCK], indirect=True)
"""As `contract.contract`, but the stock server enforces permissions too."""

TABLE = "arn:aws:dynamodb:us-east-1:000000000000:table/games"
FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:f"

Policy = dict[str, Any]


@pytest.fixture(scope="module")
def enforcing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """MiniStack as it comes, but for the switch that the launcher sets too."""
    with running(tmp_path_factory.mktemp("enforcing"), mended=False, environment={"AUTH": "true"}) as server:
        yield server


def allow(*actions: str, resource: str | list[str] = "*", **condition: Any) -> Policy:
    """A statement; operators of conditions have their colon as `__`."""
    statement: Policy = {"Effect": "Allow", "Action": list(actions), "Resource": resource}
    if condition:
        statement["Condition"] = {name.replace("__", ":"): keys for name, keys in condition.items()}
    return statement


def document(*statements: Policy) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


class Client:
    """A DynamoDB client of a role with a policy, and what was refused to it."""

    def __init__(self, server: Server, *statements: Policy, boundary: str | None = None) -> None:
        iam = server.client("iam")
        name = f"role-{len(iam.list_roles()['Roles'])}"
        trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
        trust["Principal"] |= {"AWS": "000000000000"}  # type: ignore[operator]
        more = {"PermissionsBoundary": boundary} if boundary else {}
        arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document(trust), **more)["Role"]["Arn"]
        iam.put_role_policy(RoleName=name, PolicyName="policy", PolicyDocument=document(*statements))
        iam.tag_role(RoleName=name, Tags=[{"Key": "player", "Value": "ann"}])
        keys = server.client("sts").assume_role(RoleArn=arn, RoleSessionName="session")["Credentials"]
        self.keys = {
            "aws_access_key_id": keys["AccessKeyId"], "aws_secret_access_key": keys["SecretAccessKey"],
            "aws_session_token": keys["SessionToken"],
        }  # fmt: skip
        self.server = server
        self.name = name
        self.dynamodb = server.client("dynamodb", **self.keys)

    def refused(self, call: Callable[[Any], Any], service: str = "dynamodb") -> dict[str, Any] | None:
        """The error that a call of a service ends with, None when it succeeds."""
        try:
            call(self.server.client(service, **self.keys))
        except ClientError as error:
            details: dict[str, Any] = dict(error.response["Error"])
            return details | {"Status": error.response["ResponseMetadata"]["HTTPStatusCode"]}
        return None


@pytest.fixture(autouse=True)
def games(request: pytest.FixtureRequest) -> None:
    """A table with an index, and an item of Ann's and of Bob's."""
    name = next((each for each in ("server", "mended") if each in request.fixturenames), None)
    if name is None:
        return
    dynamodb = request.getfixturevalue(name).client("dynamodb")
    if "games" in dynamodb.list_tables()["TableNames"]:
        return
    dynamodb.create_table(
        TableName="games",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": each, "AttributeType": "S"} for each in ("player", "game", "team")],
        KeySchema=[{"AttributeName": "player", "KeyType": "HASH"}, {"AttributeName": "game", "KeyType": "RANGE"}],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "teams",
                "KeySchema": [{"AttributeName": "team", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
    )
    for player in ("ann", "bob"):
        dynamodb.put_item(TableName="games", Item=item(player))


def item(player: str) -> dict[str, Any]:
    return {"player": {"S": player}, "game": {"S": "go"}, "team": {"S": "red"}, "score": {"N": "1"}}


def key(player: str) -> dict[str, Any]:
    return {"player": {"S": player}, "game": {"S": "go"}}


def query(player: str, **more: Any) -> dict[str, Any]:
    condition = {"KeyConditionExpression": "#p = :p", "ExpressionAttributeNames": {"#p": "player"}}
    return {"TableName": "games", **condition, "ExpressionAttributeValues": {":p": {"S": player}}, **more}


REQUESTS: dict[str, Callable[[Any, str], Any]] = {
    "GetItem": lambda db, player: db.get_item(TableName="games", Key=key(player)),
    "PutItem": lambda db, player: db.put_item(TableName="games", Item=item(player)),
    "DeleteItem": lambda db, player: db.delete_item(TableName="games", Key=key(player) | {"game": {"S": "no"}}),
    "UpdateItem": lambda db, player: db.update_item(
        TableName="games", Key=key(player), UpdateExpression="SET score = :s",
        ExpressionAttributeValues={":s": {"N": "2"}},
    ),
    "Query": lambda db, player: db.query(**query(player)),
    "BatchGetItem": lambda db, player: db.batch_get_item(
        RequestItems={"games": {"Keys": [key("ann") | {"game": {"S": "x"}}, key(player)]}}
    ),
    "BatchWriteItem": lambda db, player: db.batch_write_item(
        RequestItems={"games": [{"PutRequest": {"Item": item(player)}}]}
    ),
    "TransactWriteItems": lambda db, player: db.transact_write_items(
        TransactItems=[
            {"Put": {"TableName": "games", "Item": item("ann") | {"game": {"S": "chess"}}}},
            {"ConditionCheck": {"TableName": "games", "Key": key(player), "ConditionExpression": "score > :s",
                                "ExpressionAttributeValues": {":s": {"N": "0"}}}},
        ]
    ),
    "TransactGetItems": lambda db, player: db.transact_get_items(
        TransactItems=[
            {"Get": {"TableName": "games", "Key": each}} for each in (key("ann") | {"game": {"S": "x"}}, key(player))
        ]
    ),
}  # fmt: skip


@contract
@pytest.mark.parametrize("request_name", REQUESTS)
def test_leading_keys_restrict_a_role_to_its_partitions(server: Server, request_name: str) -> None:
    mine = {"dynamodb:LeadingKeys": ["ann"]}
    client = Client(server, allow("dynamodb:*", resource=TABLE, ForAllValues__StringEquals=mine))
    call = REQUESTS[request_name]

    assert client.refused(lambda db: call(db, "ann")) is None
    error = client.refused(lambda db: call(db, "bob"))

    assert error is not None, f"{request_name} is not restricted"
    assert error["Code"] == "AccessDeniedException"


@contract
def test_policy_variables_stand_for_the_caller(server: Server) -> None:
    mine = {"dynamodb:LeadingKeys": ["${aws:PrincipalTag/player}", "${aws:userid}"]}
    client = Client(server, allow("dynamodb:GetItem", resource=TABLE, ForAllValues__StringLike=mine))

    assert client.refused(lambda db: REQUESTS["GetItem"](db, "ann")) is None
    assert client.refused(lambda db: REQUESTS["GetItem"](db, "bob")) is not None


def test_leading_keys_of_an_index_are_those_of_the_index(mended: Server) -> None:
    resource = f"{TABLE}/index/teams"
    policy = allow("dynamodb:Query", resource=resource, ForAllValues__StringEquals={"dynamodb:LeadingKeys": ["red"]})
    client = Client(mended, policy)

    def team(name: str) -> dict[str, Any]:
        values = {":t": {"S": name}}
        return {"TableName": "games", "IndexName": "teams", "KeyConditionExpression": "team = :t"} | {
            "ExpressionAttributeValues": values
        }

    assert client.refused(lambda db: db.query(**team("red"))) is None
    assert client.refused(lambda db: db.query(**team("blue"))) is not None


@contract
def test_attributes_that_a_request_names_are_restricted_wherever_it_names_them(server: Server) -> None:
    condition = {"dynamodb:Attributes": ["player", "game", "team"]}
    policy = allow("dynamodb:*", resource=TABLE, ForAllValues__StringEquals=condition)
    client = Client(server, policy)

    def update(expression: str) -> Callable[[Any], Any]:
        values, names = {":v": {"S": "blue"}}, {"#t": "team"} if "#t" in expression else {}
        more = {"ExpressionAttributeNames": names} if names else {}
        return lambda db: db.update_item(
            TableName="games", Key=key("ann"), UpdateExpression=expression, ExpressionAttributeValues=values, **more
        )

    assert client.refused(update("SET #t = :v")) is None
    assert client.refused(update("SET #t = :v, score = :v")) is not None
    assert client.refused(lambda db: db.put_item(TableName="games", Item=item("ann"))) is not None
    assert client.refused(lambda db: db.query(**query("ann", ProjectionExpression="team, game"))) is None
    assert client.refused(lambda db: db.query(**query("ann", ProjectionExpression="score"))) is not None


@contract
def test_a_denial_names_the_resource_and_has_the_status_of_the_service(server: Server) -> None:
    client = Client(server, allow("dynamodb:GetItem", resource=TABLE))
    caller = f"arn:aws:sts::000000000000:assumed-role/{client.name}/session"

    error = client.refused(lambda db: db.put_item(TableName="games", Item=item("ann")))

    assert error == {
        "Code": "AccessDeniedException",
        "Message": f"User: {caller} is not authorized to perform: dynamodb:PutItem on resource: {TABLE} "
        "because no identity-based policy allows the dynamodb:PutItem action",
        "Status": 400,
    }


@contract
def test_a_denial_says_when_a_boundary_is_the_reason(server: Server) -> None:
    iam = server.client("iam")
    boundary = iam.create_policy(PolicyName="boundary-get", PolicyDocument=document(allow("dynamodb:GetItem")))
    client = Client(server, allow("dynamodb:*"), boundary=boundary["Policy"]["Arn"])

    assert client.refused(lambda db: db.get_item(TableName="games", Key=key("ann"))) is None
    error = client.refused(lambda db: db.put_item(TableName="games", Item=item("ann")))

    assert error is not None
    assert error["Message"].endswith("because no permissions boundary allows the dynamodb:PutItem action")


def test_other_elements_of_policies_count(mended: Server) -> None:
    """What MiniStack has right by itself and our templates and usual ones rely on."""
    not_action = {"Effect": "Allow", "NotAction": "dynamodb:Delete*", "Resource": "*"}
    client = Client(mended, not_action)
    assert client.refused(lambda db: db.get_item(TableName="games", Key=key("ann"))) is None
    assert client.refused(lambda db: db.delete_item(TableName="games", Key=key("no"))) is not None

    denied = {"Effect": "Deny", "Action": "dynamodb:PutItem", "Resource": "*"}
    error = Client(mended, allow("dynamodb:*"), denied).refused(lambda db: REQUESTS["PutItem"](db, "ann"))
    assert error is not None
    assert error["Message"].endswith("with an explicit deny in an identity-based policy")

    not_resource = {"Effect": "Allow", "Action": "dynamodb:*", "NotResource": TABLE}
    assert Client(mended, not_resource).refused(lambda db: REQUESTS["GetItem"](db, "ann")) is not None

    regions = {"aws:RequestedRegion": "eu-*"}
    elsewhere = Client(mended, allow("dynamodb:*", StringLike=regions))
    assert elsewhere.refused(lambda db: REQUESTS["GetItem"](db, "ann")) is not None


def test_an_unknown_operator_never_allows(mended: Server) -> None:
    odd = Client(mended, allow("dynamodb:*", StringSounds={"aws:RequestedRegion": "us-east-1"}))
    assert odd.refused(lambda db: REQUESTS["GetItem"](db, "ann")) is not None


def test_a_queue_can_let_a_role_in_by_its_own_policy(mended: Server) -> None:
    client = Client(mended, allow("dynamodb:GetItem"))
    sqs = mended.client("sqs")
    url = sqs.create_queue(QueueName="open")["QueueUrl"]
    arn = "arn:aws:sqs:us-east-1:000000000000:open"
    send: Callable[[Any], Any] = lambda client: client.send_message(QueueUrl=url, MessageBody="x")  # noqa: E731
    error = client.refused(send, "sqs")
    assert error is not None
    assert f"is not authorized to perform: sqs:sendmessage on resource: {arn} because" in error["Message"]

    role = f"arn:aws:iam::000000000000:role/{client.name}"
    statement = {"Effect": "Allow", "Principal": {"AWS": role}, "Action": "sqs:SendMessage", "Resource": arn}
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": document(statement)})

    assert client.refused(send, "sqs") is None


# --- the questions of the data plane ---


def ask(server: Server, name: str, **question: Any) -> tuple[int, dict[str, Any]]:
    """The answer to a question under `/_headwater/`."""
    url = f"{server.endpoint}/_headwater/{name}"
    try:
        with urllib.request.urlopen(url, data=json.dumps(question).encode(), timeout=5) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def role_for(server: Server, name: str, service: str, **condition: Any) -> str:
    """A role that a service may assume."""
    statement: Policy = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    if condition:
        statement["Condition"] = condition
    iam = server.client("iam")
    arn: str = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document(statement))["Role"]["Arn"]
    return arn


def assume(server: Server, role: str, service: str, source: str | None = None) -> tuple[int, dict[str, Any]]:
    return ask(server, "assume", roleArn=role, sessionName="S", service=service, sourceArn=source)


def test_a_service_assumes_only_roles_that_trust_it(mended: Server) -> None:
    role = role_for(mended, "of-appsync", "appsync.amazonaws.com")

    status, keys = assume(mended, role, "appsync.amazonaws.com")

    assert status == 200
    caller = mended.client(
        "sts", aws_access_key_id=keys["accessKeyId"], aws_secret_access_key=keys["secretAccessKey"],
        aws_session_token=keys["sessionToken"],
    ).get_caller_identity()  # fmt: skip
    assert caller["Arn"] == "arn:aws:sts::000000000000:assumed-role/of-appsync/S"
    assert assume(mended, role, "lambda.amazonaws.com") == (
        403, {"error": "AccessDenied", "message": "its trust policy does not let lambda.amazonaws.com assume it"},
    )  # fmt: skip
    assert assume(mended, "arn:aws:iam::000000000000:role/nobody", "appsync.amazonaws.com")[0] == 403


def test_a_trust_policy_may_name_the_resource_that_the_service_acts_for(mended: Server) -> None:
    mine = "arn:aws:appsync:us-east-1:000000000000:apis/mine"
    conditions = {"ArnLike": {"aws:SourceArn": mine}, "StringEquals": {"aws:SourceAccount": "000000000000"}}
    role = role_for(mended, "of-one-api", "appsync.amazonaws.com", **conditions)

    assert assume(mended, role, "appsync.amazonaws.com", mine)[0] == 200
    assert assume(mended, role, "appsync.amazonaws.com", mine.replace("mine", "other"))[0] == 403
    assert assume(mended, role, "appsync.amazonaws.com")[0] == 403


def test_a_service_needs_the_function_s_permission(mended: Server) -> None:
    mended.create_function("f", "")
    question = {"service": "appsync.amazonaws.com", "action": "lambda:InvokeFunction", "resource": FUNCTION}
    api = "arn:aws:appsync:us-east-1:000000000000:apis/a"
    assert ask(mended, "permission", **question, sourceArn=api)[1]["denied"] == (
        f"appsync.amazonaws.com is not authorized to perform: lambda:InvokeFunction on resource: {FUNCTION}"
    )

    mended.client("lambda").add_permission(
        FunctionName="f", StatementId="s", Action="lambda:InvokeFunction", Principal="appsync.amazonaws.com",
        SourceArn=api,
    )  # fmt: skip

    assert ask(mended, "permission", **question, sourceArn=api)[1] == {"denied": None}
    assert ask(mended, "permission", **question, sourceArn=f"{api}b")[1]["denied"] is not None
    assert ask(mended, "permission", **question | {"service": "sns.amazonaws.com"}, sourceArn=api)[1]["denied"]


def test_a_role_needs_a_policy_or_the_function_s(mended: Server) -> None:
    mended.create_function("g", "")
    role = role_for(mended, "caller", "appsync.amazonaws.com")
    keys = assume(mended, role, "appsync.amazonaws.com")[1]
    function = "arn:aws:lambda:us-east-1:000000000000:function:g"
    question = {"accessKeyId": keys["accessKeyId"], "action": "lambda:InvokeFunction", "resource": function}

    assert ask(mended, "permission", **question)[1]["denied"] == (
        "User: arn:aws:sts::000000000000:assumed-role/caller/S is not authorized to perform: lambda:InvokeFunction "
        f"on resource: {function} because no identity-based policy allows the lambda:InvokeFunction action"
    )

    policy = document(allow("lambda:InvokeFunction", resource=function))
    mended.client("iam").put_role_policy(RoleName="caller", PolicyName="p", PolicyDocument=policy)
    assert ask(mended, "permission", **question)[1] == {"denied": None}


# --- warnings ---


def test_warnings_let_calls_through_and_tell_each_once(tmp_path: Path) -> None:
    with running(tmp_path, mended=True, environment={"HEADWATER_PERMISSIONS": "warn"}) as server:
        server.client("dynamodb").create_table(
            TableName="things", BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        )  # fmt: skip
        client = Client(server, allow("sqs:SendMessage"))

        for _ in range(3):
            assert client.refused(lambda db: db.put_item(TableName="things", Item={"id": {"S": "a"}})) is None
        stranger = role_for(server, "stranger", "ec2.amazonaws.com")
        assert assume(server, stranger, "appsync.amazonaws.com")[0] == 200

        wrong = server.client("dynamodb", **{**client.keys, "aws_secret_access_key": "wrong"})
        with pytest.raises(ClientError, match="InvalidSignatureException"):
            wrong.put_item(TableName="things", Item={"id": {"S": "a"}})

    log = (tmp_path / "log").read_text()
    role = f"arn:aws:sts::000000000000:assumed-role/{client.name}"
    table = "arn:aws:dynamodb:us-east-1:000000000000:table/things"
    assert log.count(f"HEADWATER_PERMISSIONS=warn: {role} is not allowed dynamodb:PutItem on {table}") == 1
    assert log.count(f"appsync.amazonaws.com is not allowed sts:AssumeRole on {stranger}") == 1
