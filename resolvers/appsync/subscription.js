import { extensions, util } from '@aws-appsync/utils';

// Every subscription field. The function checks the caller's right and answers {data: {topic, userId, right}} or {error};
// all are the server's, never what a client sent. Only a user's subscription, and an auth key's, has a userId (the user's
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
  const { topic, userId, right } = ctx.result.data;
  extensions.setSubscriptionFilter(onlyTopic(topic));
  if (userId || right) {
    extensions.setSubscriptionInvalidationFilter({ filterGroup: endsWith(userId, topic, right) });
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
// all of theirs, or the topic is. A client's subscription also ends with its lease, whoever has it.
function endsWith(userId, topic, right) {
  const ends = userId ? [lost(userId, topic), lost(userId, '*'), lost('*', topic)] : [];
  return right ? [...ends, lost('*', right)] : ends;
}

function lost(userId, topic) {
  return {
    filters: [
      { fieldName: 'userId', operator: 'eq', value: userId },
      { fieldName: 'topic', operator: 'eq', value: topic },
    ],
  };
}
