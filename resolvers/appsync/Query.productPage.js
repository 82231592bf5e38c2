import { util } from '@aws-appsync/utils';

// What the sources of a product's page say (productPage.*.js, in the order of stacks/product_page.yaml) is put together in
// the stash. A source that fails leaves its member null and an error beside the data; the others go on.
export function request(ctx) {
  const asked = {};
  for (const member of MEMBERS) {
    asked[member] = isAsked(ctx.info, member);
  }
  ctx.stash.asked = asked;
  // Null when there is no such product. What no product can be called: `is_id` in backend/domain/shop/product.py.
  const isId = util.matches('^[0-9A-Za-z-]{1,64}$', ctx.args.id);
  ctx.stash.page = isId ? { product: null, related: null, prices: null, viewRecorded: null } : null;
  return {};
}

export function response(ctx) {
  return ctx.stash.page;
}

const MEMBERS = ['product', 'related', 'prices', 'viewRecorded'];

// A source is spared that is surely not asked for. Aliases stand in the list in place of names, so one with another name
// could be any member; the text has the names, but not those in fragments.
function isAsked(info, member) {
  const selected = info.selectionSetList.filter((path) => !path.includes('/'));
  const known = selected.every((name) => MEMBERS.includes(name) || name === '__typename');
  return !known || selected.includes(member) || info.selectionSetGraphQL.includes(member);
}
