/**
 * Who the caller is. A provider is asked anew for each handshake, each subscription and each request, so that a token
 * that was refreshed meanwhile is used without anybody having to say so.
 */

/** What is to be authorized: an HTTP request, or a frame as if it were one. */
export interface ToAuthorize {
  readonly url: string;
  readonly body: string;
  /** Whether it is a frame of the WebSocket's, signed as if it were a request. */
  readonly frame: boolean;
}

export interface Authorization {
  /** Headers of the request, or members of the frame's header object. */
  readonly headers: Readonly<Record<string, string>>;
  /** When they expire, in ms since the epoch; null when nobody knows, or never. */
  readonly expiresAt: number | null;
}

export interface Credentials {
  /**
   * @param renew the server has refused what was given last, or it is about to expire: give a fresh one.
   */
  authorize(request: ToAuthorize, renew: boolean): Promise<Authorization>;
}

/** A token, or what gives one; `renew` asks for a fresh one although the last may still look valid. */
export type Token = string | ((options: { renew: boolean }) => string | Promise<string>);

/** The caller that an AppSync API key stands for. */
export function apiKey(key: string): Credentials {
  return { authorize: async () => ({ headers: { "x-api-key": key }, expiresAt: null }) };
}

/** A signed-in user, by a JWT of a user pool or an OpenID provider. Its expiry is read from its `exp`. */
export function jwt(token: Token): Credentials {
  return {
    async authorize(_request, renew) {
      const value = await valueOf(token, renew);
      return { headers: { Authorization: value }, expiresAt: expiryOf(value) };
    },
  };
}

/** A caller whom the API's Lambda authorizer knows, by a token of its own kind. */
export function authorizer(token: Token): Credentials {
  return {
    authorize: async (_request, renew) => ({ headers: { Authorization: await valueOf(token, renew) }, expiresAt: null }),
  };
}

/** The `exp` of a JWT in ms since the epoch; null where there is none. */
export function expiryOf(token: string): number | null {
  try {
    const payload = token.split(".")[1]!.replace(/-/g, "+").replace(/_/g, "/");
    const { exp } = JSON.parse(atob(payload)) as { exp?: unknown };
    return typeof exp === "number" ? exp * 1000 : null;
  } catch {
    return null; // the server will say what is wrong with it
  }
}

async function valueOf(token: Token, renew: boolean): Promise<string> {
  return typeof token === "string" ? token : await token({ renew });
}
