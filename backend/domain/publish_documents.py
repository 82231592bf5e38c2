"""The publish mutations: their documents, each with every field that subscribers may select, and inputs.

Generated from schema.graphql by `python -m tools.publish_documents`; do not edit.
"""

DOCUMENTS = {
    "publishCarts": (
        "mutation PublishCarts($input: PublishCartsInput!) { publishCarts(input: $input) { cartId topic "
        "firstSeq lastSeq items { seq eventId kind at traceId key truncated cart { id lines { productId title "
        "quantity price addedAt } total currency version updatedAt expiresAt } } } }"
    ),
    "publishCategories": (
        "mutation PublishCategories($input: PublishCategoriesInput!) { publishCategories(input: $input) { "
        "category topic firstSeq lastSeq items { seq eventId kind at traceId key truncated product { id title "
        "authors category path description price currency stock rating ratingsCount year language isbn "
        "imageUrl derived version createdAt updatedAt } } } }"
    ),
    "publishClients": (
        "mutation PublishClients($input: PublishClientsInput!) { publishClients(input: $input) { clientId "
        "topic firstSeq lastSeq items { seq eventId kind at traceId key truncated notice { id kind data "
        "sentAt expiresAt } } } }"
    ),
    "publishMessages": (
        "mutation PublishMessages($input: PublishMessagesInput!) { publishMessages(input: $input) { roomId "
        "topic firstSeq lastSeq items { seq eventId kind at traceId key truncated message { id roomId author "
        "text sentAt version originalTime } } } }"
    ),
    "publishOrders": (
        "mutation PublishOrders($input: PublishOrdersInput!) { publishOrders(input: $input) { userId topic "
        "firstSeq lastSeq items { seq eventId kind at traceId key truncated order { id status lines { "
        "productId title quantity price } total currency placedAt version } } } }"
    ),
    "publishPresence": (
        "mutation PublishPresence($input: PublishPresenceInput!) { publishPresence(input: $input) { roomId "
        "topic firstSeq lastSeq items { seq eventId kind at traceId key truncated presence { id roomId userId "
        "name joinedAt lastSeen absent } } } }"
    ),
    "publishProducts": (
        "mutation PublishProducts($input: PublishProductsInput!) { publishProducts(input: $input) { productId "
        "topic firstSeq lastSeq items { seq eventId kind at traceId key truncated product { id title authors "
        "category path description price currency stock rating ratingsCount year language isbn imageUrl "
        "derived version createdAt updatedAt } } } }"
    ),
    "publishUsers": (
        "mutation PublishUsers($input: PublishUsersInput!) { publishUsers(input: $input) { userId topic "
        "firstSeq lastSeq items { seq eventId kind at traceId key truncated profile { id displayName "
        "attributes { name value } createdAt updatedAt version } notice { id kind data sentAt expiresAt } } } "
        "}"
    ),
}

# The type of each mutation's input.
INPUTS = {
    "publishCarts": "PublishCartsInput",
    "publishCategories": "PublishCategoriesInput",
    "publishClients": "PublishClientsInput",
    "publishMessages": "PublishMessagesInput",
    "publishOrders": "PublishOrdersInput",
    "publishPresence": "PublishPresenceInput",
    "publishProducts": "PublishProductsInput",
    "publishUsers": "PublishUsersInput",
}

# Every input type that they need: its members and their types.
INPUT_TYPES = {
    "PublishCartsInput": {
        "cartId": "ID!",
        "topic": "String!",
        "firstSeq": "Int!",
        "lastSeq": "Int!",
        "items": "[CartChangeInput!]!",
    },
    "PublishCategoriesInput": {
        "category": "ID!",
        "topic": "String!",
        "firstSeq": "Int!",
        "lastSeq": "Int!",
        "items": "[ProductChangeInput!]!",
    },
    "PublishClientsInput": {
        "clientId": "ID!",
        "topic": "String!",
        "firstSeq": "Int!",
        "lastSeq": "Int!",
        "items": "[ClientChangeInput!]!",
    },
    "PublishMessagesInput": {
        "roomId": "ID!",
        "topic": "String!",
        "firstSeq": "Int!",
        "lastSeq": "Int!",
        "items": "[MessageChangeInput!]!",
    },
    "PublishOrdersInput": {
        "userId": "ID!",
        "topic": "String!",
        "firstSeq": "Int!",
        "lastSeq": "Int!",
        "items": "[OrderChangeInput!]!",
    },
    "PublishPresenceInput": {
        "roomId": "ID!",
        "topic": "String!",
        "firstSeq": "Int!",
        "lastSeq": "Int!",
        "items": "[PresenceChangeInput!]!",
    },
    "PublishProductsInput": {
        "productId": "ID!",
        "topic": "String!",
        "firstSeq": "Int!",
        "lastSeq": "Int!",
        "items": "[ProductChangeInput!]!",
    },
    "PublishUsersInput": {
        "userId": "ID!",
        "topic": "String!",
        "firstSeq": "Int!",
        "lastSeq": "Int!",
        "items": "[UserChangeInput!]!",
    },
    "CartChangeInput": {
        "seq": "Int!",
        "eventId": "ID!",
        "kind": "ChangeKind!",
        "at": "AWSDateTime!",
        "traceId": "String",
        "key": "ID!",
        "truncated": "Boolean!",
        "cart": "CartInput",
    },
    "ProductChangeInput": {
        "seq": "Int!",
        "eventId": "ID!",
        "kind": "ChangeKind!",
        "at": "AWSDateTime!",
        "traceId": "String",
        "key": "ID!",
        "truncated": "Boolean!",
        "product": "ProductInput",
    },
    "ClientChangeInput": {
        "seq": "Int!",
        "eventId": "ID!",
        "kind": "ChangeKind!",
        "at": "AWSDateTime!",
        "traceId": "String",
        "key": "ID!",
        "truncated": "Boolean!",
        "notice": "NoticeInput",
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
    "OrderChangeInput": {
        "seq": "Int!",
        "eventId": "ID!",
        "kind": "ChangeKind!",
        "at": "AWSDateTime!",
        "traceId": "String",
        "key": "ID!",
        "truncated": "Boolean!",
        "order": "ShopOrderInput",
    },
    "PresenceChangeInput": {
        "seq": "Int!",
        "eventId": "ID!",
        "kind": "ChangeKind!",
        "at": "AWSDateTime!",
        "traceId": "String",
        "key": "ID!",
        "truncated": "Boolean!",
        "presence": "PresenceInput",
    },
    "UserChangeInput": {
        "seq": "Int!",
        "eventId": "ID!",
        "kind": "ChangeKind!",
        "at": "AWSDateTime!",
        "traceId": "String",
        "key": "ID!",
        "truncated": "Boolean!",
        "profile": "ProfileInput",
        "notice": "NoticeInput",
    },
    "CartInput": {
        "id": "ID!",
        "lines": "[CartLineInput!]!",
        "total": "Int!",
        "currency": "String!",
        "version": "Int!",
        "updatedAt": "AWSDateTime!",
        "expiresAt": "AWSDateTime",
    },
    "ProductInput": {
        "id": "ID!",
        "title": "String!",
        "authors": "[String!]!",
        "category": "ID",
        "path": "[ID!]!",
        "description": "String",
        "price": "Int",
        "currency": "String!",
        "stock": "Int!",
        "rating": "Float",
        "ratingsCount": "Int",
        "year": "Int",
        "language": "String",
        "isbn": "String",
        "imageUrl": "String",
        "derived": "[String!]!",
        "version": "Int!",
        "createdAt": "AWSDateTime!",
        "updatedAt": "AWSDateTime!",
    },
    "NoticeInput": {
        "id": "ID!",
        "kind": "String!",
        "data": "AWSJSON!",
        "sentAt": "AWSDateTime!",
        "expiresAt": "AWSDateTime",
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
    "ShopOrderInput": {
        "id": "ID!",
        "status": "OrderStatus!",
        "lines": "[OrderLineInput!]!",
        "total": "Int!",
        "currency": "String!",
        "placedAt": "AWSDateTime!",
        "version": "Int!",
    },
    "PresenceInput": {
        "id": "ID!",
        "roomId": "ID!",
        "userId": "ID",
        "name": "String!",
        "joinedAt": "AWSDateTime!",
        "lastSeen": "AWSDateTime!",
        "absent": "Boolean!",
    },
    "ProfileInput": {
        "id": "ID!",
        "displayName": "String!",
        "attributes": "[ProfileAttributeInput!]!",
        "createdAt": "AWSDateTime!",
        "updatedAt": "AWSDateTime!",
        "version": "Int!",
    },
    "CartLineInput": {
        "productId": "ID!",
        "title": "String!",
        "quantity": "Int!",
        "price": "Int!",
        "addedAt": "AWSDateTime!",
    },
    "OrderLineInput": {
        "productId": "ID!",
        "title": "String!",
        "quantity": "Int!",
        "price": "Int!",
    },
    "ProfileAttributeInput": {
        "name": "String!",
        "value": "String!",
    },
}

ENUMS = {
    "ChangeKind": (
        "INSERT",
        "MODIFY",
        "REMOVE",
    ),
    "OrderStatus": (
        "PENDING",
        "CONFIRMED",
        "REJECTED",
    ),
}
