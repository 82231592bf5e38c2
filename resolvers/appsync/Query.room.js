import { runtime, util } from '@aws-appsync/utils';
import * as ddb from '@aws-appsync/utils/dynamodb';

export function request(ctx) {
  const id = ctx.args.id;
  // 128 characters have at most 256 code units. DynamoDB would refuse the key of a longer id in words of its own.
  if (id.length > 256) {
    return runtime.earlyReturn(null);
  }
  if (!isPrivate(id)) {
    return ddb.get({ key: { pk: `ROOM#${id}`, sk: 'ROOM' }, consistentRead: true });
  }
  const user = ctx.identity?.sub;
  if (!user) {
    return runtime.earlyReturn(null);
  }
  // The same three items that decide for every other field (backend/domain/room_rights.py).
  const keys = [
    { pk: `ROOM#${id}`, sk: 'ROOM' },
    { pk: `MEMBER#${id}`, sk: user },
    { pk: `USER#${user}`, sk: 'PROFILE' },
  ];
  const table = { keys: keys.map((key) => util.dynamodb.toMapValues(key)), consistentRead: true };
  return { operation: 'BatchGetItem', tables: { [ctx.env.MAIN_TABLE]: table } };
}

export function response(ctx) {
  if (ctx.error) {
    return util.error(ctx.error.message, ctx.error.type);
  }
  const id = ctx.args.id;
  const room = isPrivate(id) ? roomOfMember(ctx) : ctx.result;
  if (!isLive(room)) {
    return null;
  }
  return { id, name: text(room.name), private: isPrivate(id), createdAt: time(room.createdAt) };
}

// Such ids are the server's (backend/domain/topics.py).
function isPrivate(id) {
  return id.startsWith('private:');
}

// To a stranger a private room is as one that does not exist; the rule is `their_rooms` of backend/domain/rights.py.
function roomOfMember(ctx) {
  const items = ctx.result.data[ctx.env.MAIN_TABLE].filter((item) => item !== null);
  const of = (prefix) => items.find((item) => item.pk.startsWith(prefix));
  const member = of('MEMBER#');
  const belongs = isLive(member) && (member.standing === 'MEMBER' || member.standing === 'OWNER');
  return belongs && sessionStands(of('USER#'), ctx.identity) ? of('ROOM#') : null;
}

// As `stands` in backend/domain/sessions.py: the token is not from before a sign-out or a deletion.
function sessionStands(profile, identity) {
  if (!isLive(profile)) {
    return true;
  }
  const after = typeof profile.validAfter === 'number' ? profile.validAfter : 0;
  return profile.deletedAt === undefined && (identity.claims?.iat ?? 0) > after;
}

// The table's TTL is days late: what has expired is absent (`is_live` in backend/domain/table.py).
function isLive(item) {
  return !!item && (typeof item.expiresAt !== 'number' || item.expiresAt > util.time.nowEpochSeconds());
}

function text(value) {
  return typeof value === 'string' || typeof value === 'number' ? `${value}` : null;
}

// Anyone with the right may put items into the table: one without a time that the API can show breaks no answer.
function time(text) {
  return util.matches('^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z$', `${text}`) ? text : '1970-01-01T00:00:00.000Z';
}
