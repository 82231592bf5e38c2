import { util } from '@aws-appsync/utils';

export function request(ctx) {
  const limit = ctx.args.limit ?? 50;
  if (limit < 1 || limit > 100) {
    return util.error(`limit must be 1 to 100, not ${limit}.`, 'InvalidInput', null, { field: 'limit' });
  }
  return {
    operation: 'Query',
    index: 'GSI1',
    query: {
      expression: '#partition = :rooms',
      expressionNames: { '#partition': 'GSI1PK' },
      expressionValues: util.dynamodb.toMapValues({ ':rooms': 'ROOMS' }),
    },
    // The table's TTL is days late: what has expired is absent (`is_live` in backend/domain/table.py). Private rooms are
    // not in the index, and would not be shown if someone put them there.
    filter: {
      expression: '(attribute_not_exists(#expires) OR #expires > :now) AND NOT begins_with(#room, :private)',
      expressionNames: { '#expires': 'expiresAt', '#room': 'pk' },
      expressionValues: util.dynamodb.toMapValues({ ':now': util.time.nowEpochSeconds(), ':private': 'ROOM#private:' }),
    },
    limit,
    nextToken: ctx.args.nextToken,
  };
}

export function response(ctx) {
  if (ctx.error) {
    // AppSync's own tokens are bound to the query that they come from.
    if (ctx.error.message.includes('Invalid pagination token')) {
      return util.error('nextToken is not of this list: take it from a page of rooms.', 'InvalidPageToken');
    }
    return util.error(ctx.error.message, ctx.error.type);
  }
  const items = ctx.result.items.map((room) => ({
    id: room.GSI1SK,
    name: text(room.name),
    private: false,
    createdAt: time(room.createdAt),
  }));
  return { items, nextToken: ctx.result.nextToken };
}

function text(value) {
  return typeof value === 'string' || typeof value === 'number' ? `${value}` : null;
}

// Anyone with the right may put items into the table: one without a time that the API can show breaks no answer.
function time(text) {
  return util.matches('^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z$', `${text}`) ? text : '1970-01-01T00:00:00.000Z';
}
