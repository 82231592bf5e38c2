import { util } from '@aws-appsync/utils';

// Every field that Python answers. The function returns {data} or {error: {type, message, data, info}}: a direct Lambda
// resolver could carry neither `data` nor `errorInfo` of an error.
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
  return ctx.result.data;
}
