"""util.dynamodb and '@aws-appsync/utils/dynamodb'.

RECORDED cases are recorded from AWS: localstack/appsync-utils, __tests__/index.test.js and its snapshot (2026-08), and
aws-appsync-community issue 393. The others follow the typings of @aws-appsync/utils 2.1.1.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.local.appsync.javascript.evaluation import evaluate, failure

LIST = {"L": [{"N": 1}, {"N": 2}, {"N": 3}]}


def updated(expression: str, attribute: str, value: Any) -> dict[str, Any]:
    return {
        "operation": "UpdateItem",
        "key": {"id": {"S": "test"}},
        "update": {
            "expression": expression,
            "expressionNames": {"#expName_1": attribute},
            "expressionValues": {":expValue_1": value},
        },
    }


RECORDED: list[tuple[str, Any]] = [
    ("util.dynamodb.toDynamoDB('test')", {"S": "test"}),
    ("util.dynamodb.toDynamoDB(12345)", {"N": 12345}),
    ("util.dynamodb.toDynamoDB(true)", {"BOOL": True}),
    ("util.dynamodb.toString('test')", {"S": "test"}),
    ("util.dynamodb.toStringSet(['foo', 'bar'])", {"SS": ["foo", "bar"]}),
    ("util.dynamodb.toNumber(12345)", {"N": 12345}),
    ("util.dynamodb.toNumberSet([1, 23, 4.56])", {"NS": [1, 23, 4.56]}),
    ("util.dynamodb.toBinary('foo')", {"B": "foo"}),
    ("util.dynamodb.toBinarySet(['foo', 'bar'])", {"BS": ["foo", "bar"]}),
    ("util.dynamodb.toBoolean(true)", {"BOOL": True}),
    ("util.dynamodb.toNull()", {"NULL": None}),
    (
        "util.dynamodb.toList(['foo', 123, { bar: 'baz' }])",
        {"L": [{"S": "foo"}, {"N": 123}, {"M": {"bar": {"S": "baz"}}}]},
    ),
    (
        "util.dynamodb.toMap({ foo: 'bar', beep: ['boop'] })",
        {"M": {"foo": {"S": "bar"}, "beep": {"L": [{"S": "boop"}]}}},
    ),
    ("util.dynamodb.toMapValues({ foo: 'bar', baz: 1234 })", {"foo": {"S": "bar"}, "baz": {"N": 1234}}),
    ("util.dynamodb.toS3Object('foo', 'bar', 'baz')", {"S": '{"s3":{"key":"foo","bucket":"bar","region":"baz"}}'}),
    (
        "util.dynamodb.toS3Object('foo', 'bar', 'baz', 'beep')",
        {"S": '{"s3":{"key":"foo","bucket":"bar","region":"baz","version":"beep"}}'},
    ),
    ("ddb.get({ key: { id: 'id' } })", {"operation": "GetItem", "key": {"id": {"S": "id"}}}),
    (
        "ddb.put({ key: { id: 'abc' }, item: { value: 10 } })",
        {"operation": "PutItem", "key": {"id": {"S": "abc"}}, "attributeValues": {"value": {"N": 10}}},
    ),
    ("ddb.remove({ key: { id: 'test' } })", {"operation": "DeleteItem", "key": {"id": {"S": "test"}}}),
    ("ddb.scan({ limit: 10, nextToken: 'abc' })", {"operation": "Scan", "limit": 10, "nextToken": "abc"}),
    (
        "ddb.update({ key: { id: 'test' }, update: { age: ddb.operations.add(10) } })",
        updated("SET #expName_1 = :expValue_1", "age", {"N": 10}),
    ),
    (
        "ddb.update({ key: { id: 'test' }, update: { values: ddb.operations.append([1, 2, 3]) } })",
        updated("SET #expName_1 = list_append(#expName_1, :expValue_1)", "values", LIST),
    ),
    (
        "ddb.update({ key: { id: 'test' }, update: { values: ddb.operations.prepend([1, 2, 3]) } })",
        updated("SET #expName_1 = list_append(:expValue_1, #expName_1)", "values", LIST),
    ),
    (
        "ddb.update({ key: { id: 'test' }, update: { age: ddb.operations.increment(10) } })",
        updated("SET #expName_1 = #expName_1 + :expValue_1", "age", {"N": 10}),
    ),
    (
        "ddb.update({ key: { id: 'test' }, update: { age: ddb.operations.decrement(10) } })",
        updated("SET #expName_1 = #expName_1 - :expValue_1", "age", {"N": 10}),
    ),
    (
        "ddb.update({ key: { id: 'test' }, update: { values: ddb.operations.replace({ a: 10 }) } })",
        updated("SET #expName_1 = :expValue_1", "values", {"M": {"a": {"N": 10}}}),
    ),
    ("ddb.operations.add(10)", {"type": "OPERATION_ADD", "value": 10}),
    ("ddb.operations.append([1])", {"type": "OPERATION_APPEND", "items": [1]}),
    ("ddb.operations.prepend([1])", {"type": "OPERATION_PREPEND", "items": [1]}),
    ("ddb.operations.increment(10)", {"type": "OPERATION_INCREMENT", "by": 10}),
    ("ddb.operations.decrement(10)", {"type": "OPERATION_DECREMENT", "by": 10}),
    ("ddb.operations.replace({ a: 10 })", {"type": "OPERATION_REPLACE", "value": {"a": 10}}),
    (
        "ddb.update({ key: { id: '1' }, update: { stuff: { foo: ddb.operations.replace(null) } } })"
        ".update.expressionValues",
        {":expValue_1": {"NULL": None}},
    ),
]

DERIVED: list[tuple[str, Any]] = [
    ("util.dynamodb.toString(null)", None),
    ("util.dynamodb.toDynamoDB(null)", {"NULL": None}),
    ("util.dynamodb.toMapValues({ a: undefined, b: null })", {"b": {"NULL": None}}),
    ("util.dynamodb.fromS3ObjectJson(util.dynamodb.toS3Object('k', 'b', 'r').S).s3.key", "k"),
    (
        "ddb.get({ key: { id: 1 }, consistentRead: true, projection: ['a', 'b.c[1]', 'a.c'] })",
        {
            "operation": "GetItem",
            "key": {"id": {"N": 1}},
            "consistentRead": True,
            "projection": {
                "expression": "#projection_1, #projection_2.#projection_3[1], #projection_1.#projection_3",
                "expressionNames": {"#projection_1": "a", "#projection_2": "b", "#projection_3": "c"},
            },
        },
    ),
    (
        "ddb.put({ key: { id: '1' }, item: {}, condition: { id: { attributeExists: false } } }).condition",
        {"expression": "(attribute_not_exists(#id))", "expressionNames": {"#id": "id"}},
    ),
    (
        "ddb.query({ query: { pk: { eq: 'a' }, sk: { beginsWith: 'b' } }, index: 'i', limit: 5, nextToken: null,"
        " scanIndexForward: false, filter: { v: { gt: 1 } } })",
        {
            "operation": "Query",
            "query": {
                "expression": "(#pk = :pk_eq) AND (begins_with(#sk,:sk_beginsWith))",
                "expressionNames": {"#pk": "pk", "#sk": "sk"},
                "expressionValues": {":pk_eq": {"S": "a"}, ":sk_beginsWith": {"S": "b"}},
            },
            "index": "i",
            "limit": 5,
            "scanIndexForward": False,
            "filter": {
                "expression": "(#v > :v_gt)",
                "expressionNames": {"#v": "v"},
                "expressionValues": {":v_gt": {"N": 1}},
            },
        },
    ),
    (
        "ddb.update({ key: { id: '1' }, update: { a: 1, b: { c: 'x' }, d: ddb.operations.remove(), e: null,"
        " l: [ddb.operations.updateListItem('y', 2)], u: undefined } }).update",
        {
            "expression": "SET #expName_1 = :expValue_1, #expName_2.#expName_3 = :expValue_2, #expName_5 = :expValue_3,"
            " #expName_6[2] = :expValue_4 REMOVE #expName_4",
            "expressionNames": {
                "#expName_1": "a",
                "#expName_2": "b",
                "#expName_3": "c",
                "#expName_4": "d",
                "#expName_5": "e",
                "#expName_6": "l",
            },
            "expressionValues": {
                ":expValue_1": {"N": 1},
                ":expValue_2": {"S": "x"},
                ":expValue_3": {"NULL": None},
                ":expValue_4": {"S": "y"},
            },
        },
    ),
    (
        "ddb.update({ key: { id: '1' }, update: { a: ddb.operations.remove() } }).update",
        {"expression": "REMOVE #expName_1", "expressionNames": {"#expName_1": "a"}},
    ),
    ("ddb.operations.increment()", {"type": "OPERATION_INCREMENT", "by": 1}),
    (
        "ddb.batchGet({ tables: { t: { keys: [{ id: '1' }], consistentRead: true } } })",
        {"operation": "BatchGetItem", "tables": {"t": {"keys": [{"id": {"S": "1"}}], "consistentRead": True}}},
    ),
    (
        "ddb.batchPut({ tables: { t: [{ id: '1', v: 2 }] } })",
        {"operation": "BatchPutItem", "tables": {"t": [{"id": {"S": "1"}, "v": {"N": 2}}]}},
    ),
    (
        "ddb.batchDelete({ tables: { t: [{ id: '1' }] } })",
        {"operation": "BatchDeleteItem", "tables": {"t": [{"id": {"S": "1"}}]}},
    ),
    (
        "ddb.transactGet({ items: [{ table: 't', key: { id: '1' } }] })",
        {"operation": "TransactGetItems", "transactItems": [{"table": "t", "key": {"id": {"S": "1"}}}]},
    ),
    (
        "ddb.transactWrite({ items: [{ putItem: { table: 't', key: { id: '1' }, item: { v: 1 } } },"
        " { deleteItem: { table: 't', key: { id: '2' } } },"
        " { conditionCheck: { table: 't', key: { id: '3' }, condition: { v: { eq: 1 } } } }] }).transactItems",
        [
            {"table": "t", "operation": "PutItem", "key": {"id": {"S": "1"}}, "attributeValues": {"v": {"N": 1}}},
            {"table": "t", "operation": "DeleteItem", "key": {"id": {"S": "2"}}},
            {
                "table": "t",
                "operation": "ConditionCheck",
                "key": {"id": {"S": "3"}},
                "condition": {
                    "expression": "(#v = :v_eq)",
                    "expressionNames": {"#v": "v"},
                    "expressionValues": {":v_eq": {"N": 1}},
                },
            },
        ],
    ),
]


@pytest.mark.parametrize(("expression", "value"), RECORDED, ids=[case[0] for case in RECORDED])
def test_as_recorded_from_aws(expression: str, value: Any) -> None:
    assert evaluate(expression) == value


@pytest.mark.parametrize(("expression", "value"), DERIVED, ids=[case[0] for case in DERIVED])
def test_as_typed(expression: str, value: Any) -> None:
    assert evaluate(expression) == value


def test_sync_is_refused() -> None:
    assert failure("ddb.sync({ limit: 1 })").type == "NotEmulated"
