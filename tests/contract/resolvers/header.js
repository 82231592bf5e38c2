import { util } from '@aws-appsync/utils';

// Sets a header of the response.
export function request(ctx) {
  util.http.addResponseHeader(ctx.args.name, ctx.args.value);
  return { payload: null };
}

export function response(ctx) {
  return true;
}
