import { runtime, util } from '@aws-appsync/utils';

// A function of a pipeline. It counts itself, and ends early or fails when it is the first one.
export function request(ctx) {
  const number = (ctx.stash.number ?? 0) + 1;
  ctx.stash.number = number;
  ctx.stash.trace.push(`request ${number}: ${JSON.stringify(ctx.prev.result)}`);
  if (number === 1) {
    if (ctx.args.how === 'next') {
      runtime.earlyReturn('skipped', { skipTo: 'NEXT' });
    }
    if (ctx.args.how === 'default') {
      runtime.earlyReturn('skipped');
    }
    if (ctx.args.how === 'end') {
      runtime.earlyReturn('skipped', { skipTo: 'END' });
    }
    if (ctx.args.how === 'error') {
      util.error('The first function failed.', 'Failed');
    }
    if (ctx.args.how === 'append') {
      util.appendError('The first function complained.', 'Complaint');
    }
  }
  return { payload: `payload ${number}` };
}

export function response(ctx) {
  const number = ctx.stash.number;
  ctx.stash.trace.push(`response ${number}: ${JSON.stringify(ctx.result)}`);
  return `from ${number}`;
}
