// AWS Amplify as an application uses it: configured with amplify_outputs.json, one generated client.
import { Amplify } from "aws-amplify";
import { generateClient } from "aws-amplify/api";
import * as auth from "aws-amplify/auth";
import { parseAmplifyConfig } from "aws-amplify/utils";

const AUTH_MODES = {
  API_KEY: "apiKey",
  AWS_IAM: "iam",
  AMAZON_COGNITO_USER_POOLS: "userPool",
  OPENID_CONNECT: "oidc",
  AWS_LAMBDA: "lambda",
};

export function connect(options) {
  if (options.signsIn) configureUsers(options.amplifyOutputs);
  else configureToken(options);
  return applicationOf(options);
}

// With the users of the local Cognito: Amplify's file has no place for its endpoint.
function configureUsers(amplifyOutputs) {
  const config = parseAmplifyConfig(amplifyOutputs);
  config.Auth.Cognito.userPoolEndpoint = amplifyOutputs.custom.user_pool_endpoint;
  Amplify.configure(config);
}

// With credentials and a token that the test made itself.
function configureToken({ amplifyOutputs, credentials, token }) {
  const credentialsProvider = {
    getCredentialsAndIdentityId: async () => ({ credentials }),
    clearCredentialsAndIdentityId: () => {},
  };
  const tokenProvider = { getTokens: async () => ({ accessToken: { toString: () => token, payload: {} } }) };
  Amplify.configure(amplifyOutputs, { Auth: { credentialsProvider, tokenProvider } });
}

function applicationOf({ token }) {
  const client = generateClient();
  const options = ({ mode, document, variables }) => {
    const authToken = mode === "AWS_LAMBDA" ? token : undefined;
    return { query: document, variables, authMode: AUTH_MODES[mode], authToken };
  };
  return {
    async run(operation) {
      const { authorization } = operation;
      const headers = authorization ? { Authorization: authorization } : undefined;
      return (await client.graphql(options(operation), headers)).data;
    },
    async authenticate(step, input) {
      if (step !== "tokens") return auth[step](input);
      const { tokens } = await auth.fetchAuthSession(input);
      return { id: tokens?.idToken?.toString(), access: tokens?.accessToken?.toString() };
    },
    subscribe(operation, { next, error, complete }) {
      return client.graphql(options(operation)).subscribe({ next: ({ data }) => next(data), error, complete });
    },
  };
}
