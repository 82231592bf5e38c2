import { util } from '@aws-appsync/utils';

// Fields of list items that Python answers: AppSync collects the requests of up to MaxBatchSize items into one invocation
// (stacks/shop.yaml). The function gets a list of events and returns a list of {data} or {error: {type, message, data, info}},
// in the same order, so that an item that fails spoils no other.
export function request(ctx) {
  const { fieldName, parentTypeName } = ctx.info;
  return {
    operation: 'BatchInvoke',
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
  return ctx.result.data;
}
