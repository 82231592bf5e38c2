import { util } from '@aws-appsync/utils';

// A resolver that must not run.
export function request(ctx) {
  util.error('The resolver of a refused field ran.', 'Ran');
}

export function response(ctx) {
  return null;
}
