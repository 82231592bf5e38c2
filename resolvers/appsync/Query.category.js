import { runtime, util } from '@aws-appsync/utils';
import * as ddb from '@aws-appsync/utils/dynamodb';

export function request(ctx) {
  const id = ctx.args.id;
  // What no category can be called (`is_id` in backend/domain/shop/category.py), DynamoDB may refuse in its own words.
  if (!util.matches('^[a-z0-9-]{1,64}$', id)) {
    return runtime.earlyReturn(null);
  }
  return ddb.get({ key: { pk: `CATEGORY#${id}`, sk: 'CATEGORY' }, consistentRead: true });
}

// The same as `from_item` in backend/domain/shop/category.py, whoever wrote the item; a test compares.
export function response(ctx) {
  if (ctx.error) {
    return util.error(ctx.error.message, ctx.error.type);
  }
  const item = ctx.result;
  if (!isLive(item)) {
    return null;
  }
  const id = ctx.args.id;
  const name = text(item.name) ?? '';
  const path = pathOf(item.path);
  return { id, name: name === '' ? id : name, parent: text(item.parent), path: path.length > 0 ? path : [id] };
}

// The table's TTL is days late: what has expired is absent (`is_live` in backend/domain/table.py).
function isLive(item) {
  return !!item && (typeof item.expiresAt !== 'number' || item.expiresAt > util.time.nowEpochSeconds());
}

function text(value) {
  return typeof value === 'string' || typeof value === 'number' ? `${value}` : null;
}

function pathOf(value) {
  const isPath =
    Array.isArray(value) &&
    value.length <= 8 &&
    value.every((each, place) => typeof each === 'string' && util.matches('^[a-z0-9-]{1,64}$', each) && value.indexOf(each) === place);
  return isPath ? value : [];
}
