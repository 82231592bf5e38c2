import { runtime, util } from '@aws-appsync/utils';
import * as ddb from '@aws-appsync/utils/dynamodb';

export function request(ctx) {
  const id = ctx.args.id;
  // What no product can be called (`is_id` in backend/domain/shop/product.py), DynamoDB may refuse in words of its own.
  if (!util.matches('^[0-9A-Za-z-]{1,64}$', id)) {
    return runtime.earlyReturn(null);
  }
  return ddb.get({ key: { pk: `PRODUCT#${id}`, sk: 'PRODUCT' }, consistentRead: true });
}

// The same as `from_item` in backend/domain/shop/product.py, whoever wrote the item; a test compares.
export function response(ctx) {
  if (ctx.error) {
    return util.error(ctx.error.message, ctx.error.type);
  }
  const item = ctx.result;
  if (!isLive(item)) {
    return null;
  }
  const createdAt = time(item.createdAt) ?? '1970-01-01T00:00:00.000Z';
  return {
    id: ctx.args.id,
    title: text(item.title) ?? '',
    authors: texts(item.authors),
    category: text(item.category),
    path: path(item.path),
    description: text(item.description),
    price: count(item.price),
    currency: 'EUR',
    stock: count(item.stock) ?? 0,
    rating: typeof item.rating === 'number' && item.rating >= 0 && item.rating <= 5 ? item.rating : null,
    ratingsCount: count(item.ratingsCount),
    year: whole(item.year),
    language: text(item.language),
    isbn: text(item.isbn),
    imageUrl: typeof item.imageUrl === 'string' && util.matches('^https?://\\S+$', item.imageUrl) ? item.imageUrl : null,
    derived: texts(item.derived),
    version: count(item.version) ?? 1,
    createdAt,
    updatedAt: time(item.updatedAt) ?? createdAt,
  };
}

// The table's TTL is days late: what has expired is absent (`is_live` in backend/domain/table.py).
function isLive(item) {
  return !!item && (typeof item.expiresAt !== 'number' || item.expiresAt > util.time.nowEpochSeconds());
}

function text(value) {
  return typeof value === 'string' || typeof value === 'number' ? `${value}` : null;
}

function texts(value) {
  return Array.isArray(value) && value.every((each) => text(each) !== null) ? value.map((each) => `${each}`) : [];
}

function path(value) {
  const isPath =
    Array.isArray(value) &&
    value.length <= 8 &&
    value.every((each, place) => typeof each === 'string' && util.matches('^[a-z0-9-]{1,64}$', each) && value.indexOf(each) === place);
  return isPath ? value : [];
}

function whole(value) {
  return typeof value === 'number' && value % 1 === 0 && value >= -2147483647 && value <= 2147483647 ? value : null;
}

function count(value) {
  const found = whole(value);
  return found !== null && found >= 0 ? found : null;
}

function time(value) {
  const isTime =
    typeof value === 'string' &&
    util.matches('^\\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\\d|3[01])T([01]\\d|2[0-3]):[0-5]\\d:[0-5]\\d\\.\\d{3}Z$', value);
  return isTime ? value : null;
}
