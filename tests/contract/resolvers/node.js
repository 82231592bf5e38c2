// A node without end.
export function request(ctx) {
  return { payload: { name: 'node' } };
}

export function response(ctx) {
  return ctx.result;
}
