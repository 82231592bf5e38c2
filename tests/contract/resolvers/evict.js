import { extensions } from '@aws-appsync/utils';

// Takes one entry out of the cache.
export function request(ctx) {
  extensions.evictFromApiCache('Query', 'cached', { 'context.arguments.id': ctx.args.id });
  return { payload: null };
}

export function response(ctx) {
  return true;
}
