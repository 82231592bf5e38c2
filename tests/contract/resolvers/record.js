import { util } from '@aws-appsync/utils';
import * as ddb from '@aws-appsync/utils/dynamodb';

// Puts a record, and answers what the data source answered.
export function request(ctx) {
  return ddb.put({ key: { id: ctx.args.key }, item: { value: ctx.args.value } });
}

export function response(ctx) {
  if (ctx.error) {
    util.error(ctx.error.message, ctx.error.type);
  }
  return ctx.result;
}
