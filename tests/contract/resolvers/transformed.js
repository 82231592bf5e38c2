import { extensions, util } from '@aws-appsync/utils';

// The filter is made of a client's filter object; `secret` is not for clients, `room` must be "a".
export function request(ctx) {
  return { payload: null };
}

export function response(ctx) {
  const filter = util.transform.toSubscriptionFilter(ctx.args.filter, ['author'], { room: { eq: 'a' } });
  extensions.setSubscriptionFilter(filter);
  return null;
}
