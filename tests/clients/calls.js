// Calls from the test to a client library, the same in Node and in a browser. An answer is `{value}` or `{error}`;
// `emit` sends what a subscription brings.
export function calls(connect, emit) {
  const subscriptions = new Map();
  let client;
  const functions = {
    connect(options) {
      client = connect(options);
    },
    run: (operation) => client.run(operation),
    authenticate: ({ step, input }) => client.authenticate(step, input),
    subscribe({ name, ...operation }) {
      const subscription = client.subscribe(operation, {
        next: (data) => emit({ subscription: name, data }),
        error: (error) => emit({ subscription: name, error: described(error) }),
        complete: () => emit({ subscription: name, complete: true }),
      });
      subscriptions.set(name, subscription);
    },
    unsubscribe({ name }) {
      subscriptions.get(name).unsubscribe();
    },
  };
  return async (call, argument) => {
    try {
      return { value: (await functions[call](argument)) ?? null };
    } catch (error) {
      return { error: described(error) };
    }
  };
}

// What an application can tell of an error, as plain JSON: GraphQLError has a toJSON of its own.
function described({ name, message, statusCode, errors, cause }) {
  return JSON.parse(JSON.stringify({ name, message, statusCode, errors, cause: cause && described(cause) }));
}
