import { runtime } from '@aws-appsync/utils';

// Before and after the functions; the stash holds who ran, in order, with the `prev.result` that each one saw.
export function request(ctx) {
  ctx.stash.trace = [`before ${JSON.stringify(ctx.prev ?? null)}`];
  ctx.args.added = 'by before';
  if (ctx.args.how === 'before') {
    runtime.earlyReturn('early');
  }
  return 'from before';
}

export function response(ctx) {
  return { trace: ctx.stash.trace, prev: ctx.prev.result, result: ctx.result, error: ctx.error, args: ctx.args };
}
