import { util } from '@aws-appsync/utils';

// The second element's field is refused.
export function request(ctx) {
  return { payload: ctx.source.id };
}

export function response(ctx) {
  if (ctx.result === '2') {
    util.unauthorized();
  }
  return ctx.result;
}
