// The data source gets the argument as it is; the value is what came of it.
export function request(ctx) {
  return ctx.args.request;
}

export function response(ctx) {
  return { result: ctx.result, error: ctx.error };
}
