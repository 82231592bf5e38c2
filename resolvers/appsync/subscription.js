import { extensions, util } from '@aws-appsync/utils';

// Every subscription field. The function checks the caller's right and answers {data: {topic, userId}} or {error};
// both are the server's, never what a client sent. Only a user's subscription, and an auth key's, has a userId (the user's
// `sub`, the key's id), and can be ended.
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
  const { topic, userId } = ctx.result.data;
  extensions.setSubscriptionFilter(onlyTopic(topic));
  if (userId) {
    extensions.setSubscriptionInvalidationFilter(ofUser(userId, topic));
  }
  return null;
}

// The one place where a subscription's filter is built. It replaces AppSync's matching of arguments.
function onlyTopic(topic) {
  if (!topic) {
    return util.error('A subscription needs a topic.', 'Internal');
  }
  return { filterGroup: [{ filters: [{ fieldName: 'topic', operator: 'eq', value: topic }] }] };
}

// What ends it (ending.js, Mutation.endSubscriptions.js): the right of the user or of the key to this topic is gone, or to
// all of theirs, or the topic is.
function ofUser(userId, topic) {
  const user = { fieldName: 'userId', operator: 'eq', value: userId };
  return {
    filterGroup: [
      { filters: [user, { fieldName: 'topic', operator: 'eq', value: topic }] },
      { filters: [user, { fieldName: 'topic', operator: 'eq', value: '*' }] },
      {
        filters: [
          { fieldName: 'userId', operator: 'eq', value: '*' },
          { fieldName: 'topic', operator: 'eq', value: topic },
        ],
      },
    ],
  };
}
