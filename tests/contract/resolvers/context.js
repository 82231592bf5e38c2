import { util } from '@aws-appsync/utils';

// The context as the handlers see it.
export function request(ctx) {
  return { payload: null };
}

export function response(ctx) {
  return {
    members: Object.keys(ctx),
    args: ctx.args,
    arguments: ctx.arguments,
    identity: ctx.identity,
    source: ctx.source,
    stash: ctx.stash,
    request: ctx.request,
    env: ctx.env,
    authType: util.authType(),
    fieldName: ctx.info.fieldName,
    parentTypeName: ctx.info.parentTypeName,
    variables: ctx.info.variables,
    selectionSetList: ctx.info.selectionSetList,
    selectionSetGraphQL: ctx.info.selectionSetGraphQL,
    info: JSON.stringify(ctx.info),
  };
}
