// AWS Amplify as an application uses it: configured with amplify_outputs.json, one generated client.
import { Amplify } from "aws-amplify";
import { generateClient } from "aws-amplify/api";

export function connect({ amplifyOutputs, credentials }) {
  const credentialsProvider = {
    getCredentialsAndIdentityId: async () => ({ credentials }),
    clearCredentialsAndIdentityId: () => {},
  };
  Amplify.configure(amplifyOutputs, { Auth: { credentialsProvider } });
  const client = generateClient();
  const authMode = (mode) => (mode === "AWS_IAM" ? "iam" : "apiKey");
  return {
    async run({ mode, document, variables }) {
      return (await client.graphql({ query: document, variables, authMode: authMode(mode) })).data;
    },
    subscribe({ mode, document, variables }, { next, error, complete }) {
      const stream = client.graphql({ query: document, variables, authMode: authMode(mode) });
      return stream.subscribe({ next: ({ data }) => next(data), error, complete });
    },
  };
}
