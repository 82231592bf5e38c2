import { extensions, util } from '@aws-appsync/utils';

// Mutations after which live subscriptions end. The function returns {data: {answer, ends: {userId, topic}}} or {error};
// topic `*` stands for all of the user's. They end with this answer, before the caller's next call.
export function request(ctx) {
  const { fieldName, parentTypeName } = ctx.info;
  return {
    operation: 'Invoke',
    payload: { arguments: ctx.args, identity: ctx.identity, source: ctx.source, info: { fieldName, parentTypeName } },
  };
}

export function response(ctx) {
  if (ctx.error) {
    return util.error(ctx.error.message, ctx.error.type);
  }
  const error = ctx.result.error;
  if (error) {
    return util.error(error.message, error.type, error.data, error.info);
  }
  const { answer, ends } = ctx.result.data;
  // Every field of Subscription, of which a request may end five. Which subscriptions: subscription.js.
  for (const subscriptionField of ['onMessages', 'onUser']) {
    extensions.invalidateSubscriptions({ subscriptionField, payload: ends });
  }
  return answer;
}
