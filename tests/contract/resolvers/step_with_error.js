import { util } from '@aws-appsync/utils';

// A function whose Lambda always fails.
export function request(ctx) {
  return { operation: 'Invoke', payload: { do: 'raise' } };
}

export function response(ctx) {
  ctx.stash.trace.push(`error ${JSON.stringify(ctx.error)}`);
  if (ctx.args.rethrow) {
    util.error(ctx.error.message, ctx.error.type);
  }
  return 'after the error';
}
