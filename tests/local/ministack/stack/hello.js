export function request(ctx) {
  return { payload: `hello ${ctx.args.name}` };
}

export function response(ctx) {
  return ctx.result;
}
