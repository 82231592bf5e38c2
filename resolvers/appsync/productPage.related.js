import { runtime, util } from '@aws-appsync/utils';

// The source of `ProductPage.related`: a function (resolvers/product_page/handler.py), which answers as to lambda.js. When
// the product could not be read here, the function reads it itself.
export function request(ctx) {
  const { asked, page } = ctx.stash;
  if (!page) {
    return runtime.earlyReturn(null, { skipTo: 'END' });
  }
  if (!asked.related) {
    return runtime.earlyReturn(null);
  }
  return {
    operation: 'Invoke',
    payload: {
      arguments: { productId: ctx.args.id, category: page.product?.category, price: page.product?.price },
      identity: ctx.identity,
      source: null,
      info: { fieldName: 'related', parentTypeName: 'ProductPage' },
    },
  };
}

export function response(ctx) {
  const error = ctx.error ?? ctx.result.error;
  if (error) {
    missing('related', 'FUNCTION', error.type);
  } else {
    ctx.stash.page.related = ctx.result.data;
  }
  return null;
}

function missing(member, source, reason) {
  util.appendError(`${member} cannot be shown at the moment.`, 'TryAgain', null, { member, source, reason });
}
