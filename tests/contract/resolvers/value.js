// The field's value is its argument.
export function request(ctx) {
  return { payload: ctx.args.value };
}

export function response(ctx) {
  return ctx.result;
}
