// The input is what subscribers get. Who may call it: the publisher alone, by its role (stacks/api.yaml).
export function request(ctx) {
  return { payload: ctx.args.input };
}

export function response(ctx) {
  return ctx.result;
}
