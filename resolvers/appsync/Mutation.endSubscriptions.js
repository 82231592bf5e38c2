import { extensions } from '@aws-appsync/utils';

// Ends the subscriptions whose right was taken away by a write to the table. Which they are: subscription.js. Who may call
// it: the publisher alone, by its role (stacks/api.yaml). AppSync takes five ends of a request.
export function request(ctx) {
  return { payload: { count: ctx.args.input.ends.length } };
}

export function response(ctx) {
  for (const { subscriptionField, topic, userId } of ctx.args.input.ends) {
    extensions.invalidateSubscriptions({ subscriptionField, payload: { topic, userId } });
  }
  return ctx.result;
}
