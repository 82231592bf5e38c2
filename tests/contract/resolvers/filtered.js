import { extensions } from '@aws-appsync/utils';

// The subscription's filter is its argument.
export function request(ctx) {
  return { payload: null };
}

export function response(ctx) {
  extensions.setSubscriptionFilter(ctx.args.filter);
  return null;
}
