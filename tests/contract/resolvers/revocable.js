import { extensions } from '@aws-appsync/utils';

// The invalidation filter is the argument; without one the subscription is not invalidated.
export function request(ctx) {
  return { payload: null };
}

export function response(ctx) {
  if (ctx.args.filter) {
    extensions.setSubscriptionInvalidationFilter(ctx.args.filter);
  }
  return null;
}
