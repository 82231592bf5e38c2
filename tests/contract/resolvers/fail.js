import { util } from '@aws-appsync/utils';

// One way of failing per value of `how`.
export function request(ctx) {
  if (ctx.args.how === 'request') {
    util.error('Refused by the request handler.', 'Early');
  }
  return { payload: ctx.args.value };
}

export function response(ctx) {
  const how = ctx.args.how;
  if (how === 'message') {
    util.error('Only a message.');
  }
  if (how === 'all') {
    util.error('Everything.', 'Full', ctx.result, { reason: 'because', list: [1] });
  }
  if (how === 'append') {
    util.appendError('Appended.', 'Noted', ctx.result, { number: 1 });
    util.appendError('Appended again.', 'Noted');
  }
  if (how === 'unauthorized') {
    util.unauthorized();
  }
  if (how === 'exception') {
    return undefinedName.member;
  }
  return ctx.result;
}
