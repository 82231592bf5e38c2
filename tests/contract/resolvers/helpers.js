import * as ddb from '@aws-appsync/utils/dynamodb';

// The request objects that the DynamoDB helpers make.
export function request(ctx) {
  return { payload: null };
}

export function response(ctx) {
  return {
    get: ddb.get({ key: { id: 'a' } }),
    getConsistent: ddb.get({ key: { id: 'a' }, consistentRead: true }),
    put: ddb.put({ key: { id: 'a' }, item: { name: 'n' } }),
    remove: ddb.remove({ key: { id: 'a' } }),
    scan: ddb.scan({ limit: 10, nextToken: 'token' }),
    query: ddb.query({ query: { id: { eq: 'a' } } }),
    update: ddb.update({ key: { id: 'a' }, update: { age: 10 } }),
    increment: ddb.update({ key: { id: 'a' }, update: { age: ddb.operations.increment(5) } }),
  };
}
