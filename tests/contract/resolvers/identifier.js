import { util } from '@aws-appsync/utils';

// Another value each time that it runs.
export function request(ctx) {
  return { payload: util.autoId() };
}

export function response(ctx) {
  return ctx.result;
}
