import { extensions, util } from '@aws-appsync/utils';

// Every subscription field. The function checks the caller's right and answers {data: {topic}} or {error}; the topic is
// the server's, never what a client sent.
export function request(ctx) {
  const { fieldName, parentTypeName } = ctx.info;
  return {
    operation: 'Invoke',
    payload: { arguments: ctx.args, identity: ctx.identity, source: null, info: { fieldName, parentTypeName } },
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
  extensions.setSubscriptionFilter(onlyTopic(ctx.result.data.topic));
  return null;
}

// The one place where a subscription's filter is built. It replaces AppSync's matching of arguments.
function onlyTopic(topic) {
  if (!topic) {
    return util.error('A subscription needs a topic.', 'Internal');
  }
  return { filterGroup: [{ filters: [{ fieldName: 'topic', operator: 'eq', value: topic }] }] };
}
