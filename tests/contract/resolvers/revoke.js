import { extensions } from '@aws-appsync/utils';

// Ends the subscriptions whose invalidation filter matches the payload.
export function request(ctx) {
  return { payload: null };
}

export function response(ctx) {
  const calls = [0, 1, 2, 3, 4, 5, 6, 7];
  for (const call of calls) {
    if (call < (ctx.args.times ?? 1)) {
      extensions.invalidateSubscriptions({ subscriptionField: 'onRevocable', payload: ctx.args.payload });
    }
  }
  return true;
}
