import { runtime, util } from '@aws-appsync/utils';
import * as ddb from '@aws-appsync/utils/dynamodb';

// The source of `ProductPage.product`: the main table. As Query.product.js, but a failure is not the field's.
export function request(ctx) {
  if (!ctx.stash.page) {
    return runtime.earlyReturn(null, { skipTo: 'END' });
  }
  return ddb.get({ key: { pk: `PRODUCT#${ctx.args.id}`, sk: 'PRODUCT' }, consistentRead: true });
}

export function response(ctx) {
  if (ctx.error) {
    missing('product', 'TABLE', ctx.error.type);
  } else if (isLive(ctx.result)) {
    ctx.stash.page.product = shown(ctx.args.id, ctx.result);
  } else {
    ctx.stash.page = null;
  }
  return null;
}

function missing(member, source, reason) {
  util.appendError(`${member} cannot be shown at the moment.`, 'TryAgain', null, { member, source, reason });
}

// The same as in Query.product.js; a test compares.
function shown(id, item) {
  const createdAt = time(item.createdAt) ?? '1970-01-01T00:00:00.000Z';
  return {
    id,
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
