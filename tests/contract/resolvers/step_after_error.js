// The function after the failing one.
export function request(ctx) {
  ctx.stash.trace.push(`next ${JSON.stringify(ctx.error ?? null)} ${JSON.stringify(ctx.prev.result)}`);
  return { payload: null };
}

export function response(ctx) {
  return 'done';
}
