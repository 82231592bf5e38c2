// Like request.js, but the value is the result alone: an error that is not looked at is swallowed.
export function request(ctx) {
  return ctx.args.request;
}

export function response(ctx) {
  return ctx.result;
}
