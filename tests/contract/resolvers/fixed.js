// Every field of the authorization cases has the same value.
export function request(ctx) {
  return { payload: null };
}

export function response(ctx) {
  const scalars = ['keyOnly', 'signedOnly', 'either', 'beyondPolicy', 'members', 'others', 'denied', 'deniedByArn'];
  if (scalars.includes(ctx.info.fieldName) || ['keyed', 'both'].includes(ctx.info.fieldName)) {
    return 'yes';
  }
  return { id: '1', keyed: 'key', signed: 'signature', open: 'open' };
}
