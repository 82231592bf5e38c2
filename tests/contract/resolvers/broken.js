import { util } from '@aws-appsync/utils';

// A nested field that fails.
export function request(ctx) {
  util.error('The nested field failed.', 'Nested');
}

export function response(ctx) {
  return null;
}
