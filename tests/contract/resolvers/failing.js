// A list whose elements have a field that fails.
export function request(ctx) {
  return { payload: [{ id: '1' }, { id: '2' }] };
}

export function response(ctx) {
  return ctx.result;
}
