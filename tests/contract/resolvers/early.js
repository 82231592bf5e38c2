import { runtime } from '@aws-appsync/utils';

// A UNIT resolver that returns from its request handler.
export function request(ctx) {
  runtime.earlyReturn({ how: ctx.args.how });
  return { payload: 'data source' };
}

export function response(ctx) {
  return 'response handler';
}
