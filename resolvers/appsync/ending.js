import { extensions, util } from '@aws-appsync/utils';

// Mutations after which live subscriptions end. The function returns {error} or {data: {answer, ends}}, where an end is
// {subscriptionField, topic, userId} and topic `*` stands for all of the user's; AppSync takes five of a request. They end
// with this answer, before the caller's next call.
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
  // Which they are: subscription.js.
  for (const { subscriptionField, topic, userId } of ends) {
    extensions.invalidateSubscriptions({ subscriptionField, payload: { topic, userId } });
  }
  return answer;
}
