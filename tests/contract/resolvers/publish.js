import { util } from '@aws-appsync/utils';

// The event is the argument; `fail` refuses, `append` adds an error to it.
export function request(ctx) {
  return { payload: ctx.args.value };
}

export function response(ctx) {
  if (ctx.result && ctx.result.text === 'fail') {
    util.error('Not published.', 'Refused');
  }
  if (ctx.result && ctx.result.text === 'append') {
    util.appendError('Published with an error.', 'Noted');
  }
  return ctx.result;
}
