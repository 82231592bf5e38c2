import { runtime, util } from '@aws-appsync/utils';

// The source of `ProductPage.viewRecorded`: the bus of domain events is told of every view (docs/events.md).
export function request(ctx) {
  if (!ctx.stash.page) {
    return runtime.earlyReturn(null, { skipTo: 'END' });
  }
  const detail = {
    id: util.autoUlid(),
    productId: ctx.args.id,
    userId: ctx.identity?.sub ?? null,
    viewedAt: util.time.nowISO8601(),
  };
  return {
    operation: 'PutEvents',
    events: [{ source: 'headwater.shop', detailType: 'ProductViewed', detail }],
  };
}

export function response(ctx) {
  // A refused event is no error of the call.
  const refused = ctx.error ? null : ctx.result.Entries.find((entry) => !entry.EventId);
  if (ctx.error || refused) {
    missing('viewRecorded', 'EVENTS', ctx.error ? ctx.error.type : refused.ErrorCode);
  } else {
    ctx.stash.page.viewRecorded = true;
  }
  return null;
}

function missing(member, source, reason) {
  util.appendError(`${member} cannot be shown at the moment.`, 'TryAgain', null, { member, source, reason });
}
