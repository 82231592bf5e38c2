// BatchInvoke from a handler: an item per element of the list.
export function request(ctx) {
  return { operation: 'BatchInvoke', payload: { do: ctx.source.name, id: ctx.source.id } };
}

export function response(ctx) {
  return { result: ctx.result, error: ctx.error };
}
