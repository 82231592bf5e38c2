import { util } from '@aws-appsync/utils';
import * as ddb from '@aws-appsync/utils/dynamodb';

export function request(ctx) {
  return ddb.get({ key: { pk: `ROOM#${ctx.args.id}`, sk: 'ROOM' }, consistentRead: true });
}

export function response(ctx) {
  if (ctx.error) {
    return util.error(ctx.error.message, ctx.error.type);
  }
  // The table's TTL is days late: what has expired is absent (`is_live` in backend/domain/table.py).
  if (!ctx.result || (ctx.result.expiresAt && ctx.result.expiresAt <= util.time.nowEpochSeconds())) {
    return null;
  }
  return { id: ctx.args.id, createdAt: time(ctx.result.createdAt) };
}

// Anyone with the right may put items into the table: one without a time that the API can show breaks no answer.
function time(text) {
  return util.matches('^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z$', `${text}`) ? text : '1970-01-01T00:00:00.000Z';
}
