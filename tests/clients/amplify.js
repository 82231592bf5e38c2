// AWS Amplify as an application uses it: configured with amplify_outputs.json, one generated client.
import { Amplify } from "aws-amplify";
import { generateClient } from "aws-amplify/api";

const AUTH_MODES = {
  API_KEY: "apiKey",
  AWS_IAM: "iam",
  AMAZON_COGNITO_USER_POOLS: "userPool",
  OPENID_CONNECT: "oidc",
  AWS_LAMBDA: "lambda",
};

export function connect({ amplifyOutputs, credentials, token }) {
  const credentialsProvider = {
    getCredentialsAndIdentityId: async () => ({ credentials }),
    clearCredentialsAndIdentityId: () => {},
  };
  const tokenProvider = { getTokens: async () => ({ accessToken: { toString: () => token, payload: {} } }) };
  Amplify.configure(amplifyOutputs, { Auth: { credentialsProvider, tokenProvider } });
  const client = generateClient();
  const options = ({ mode, document, variables }) => {
    const authToken = mode === "AWS_LAMBDA" ? token : undefined;
    return { query: document, variables, authMode: AUTH_MODES[mode], authToken };
  };
  return {
    async run(operation) {
      return (await client.graphql(options(operation))).data;
    },
    subscribe(operation, { next, error, complete }) {
      return client.graphql(options(operation)).subscribe({ next: ({ data }) => next(data), error, complete });
    },
  };
}
