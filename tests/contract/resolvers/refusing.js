import { util } from '@aws-appsync/utils';

// A subscription resolver that says no, or tells in its error what it saw.
export function request(ctx) {
  return { payload: null };
}

export function response(ctx) {
  if (ctx.args.how === 'error') {
    util.error('No such room.', 'NotFound');
  }
  if (ctx.args.how === 'unauthorized') {
    util.unauthorized();
  }
  if (ctx.args.how === 'context') {
    const seen = {
      args: ctx.args,
      identity: ctx.identity,
      headers: ctx.request.headers,
      parentTypeName: ctx.info.parentTypeName,
      fieldName: ctx.info.fieldName,
      authType: util.authType(),
    };
    util.error(JSON.stringify(seen), 'Seen');
  }
  return null;
}
