import assert from "node:assert/strict";
import { test } from "node:test";
import { systemClock } from "../src/clock.js";
import { authorizer, apiKey, type Credentials, expiryOf, jwt } from "../src/credentials.js";
import { endpoint } from "../src/endpoint.js";
import { Internal, isTransient, NoEndpoint, Unauthorized, Unreachable } from "../src/errors.js";
import { Http } from "../src/http.js";
import type { Platform } from "../src/platform.js";

const REQUEST = { query: "{ a }", variables: { b: 1 } };

/** An API that gives one answer after the other, and what it was asked. */
function api(credentials: Credentials, ...answers: (Response | Error | Promise<Response>)[]) {
  const asked: { url: string; init: RequestInit }[] = [];
  const fetch = async (url: unknown, init: RequestInit): Promise<Response> => {
    asked.push({ url: String(url), init });
    const answer = answers.length > 1 ? answers.shift()! : answers[0]!;
    if (answer instanceof Error) throw answer;
    return answer;
  };
  const platform = { clock: systemClock, fetch } as unknown as Platform;
  return { http: new Http(platform, endpoint("https://api.test/graphql"), credentials), asked };
}

const json = (body: unknown, status = 200) => new Response(JSON.stringify(body), { status });
const token = (exp: number) => `h.${Buffer.from(JSON.stringify({ exp })).toString("base64url")}.s`;

test("posts the operation with the caller's headers and gives the data", async () => {
  const { http, asked } = api(apiKey("k"), json({ data: { a: 2 } }));
  assert.deepEqual(await http.execute(REQUEST), { a: 2 });
  const [{ url, init }] = asked as [(typeof asked)[0]];
  assert.equal(url, "https://api.test/graphql");
  assert.deepEqual(init.headers, { "content-type": "application/json", "x-api-key": "k" });
  assert.equal(init.body, JSON.stringify(REQUEST));
});

test("errors are typed and keep what data there is", async () => {
  const { http } = api(apiKey("k"), json({ data: { a: null }, errors: [{ errorType: "Internal", message: "m" }] }));
  await assert.rejects(http.execute(REQUEST), (error) => {
    assert.ok(error instanceof Internal);
    assert.deepEqual(error.data, { a: null });
    return true;
  });
});

test("a 401 is answered once with fresh credentials", async () => {
  const renewed: boolean[] = [];
  const credentials = jwt(({ renew }) => {
    renewed.push(renew);
    return "t";
  });
  const refusal = () => json({ errors: [{ errorType: "UnauthorizedException", message: "no" }] }, 401);
  assert.deepEqual(await api(credentials, refusal(), json({ data: { a: 1 } })).http.execute(REQUEST), { a: 1 });
  assert.deepEqual(renewed, [false, true]);
  await assert.rejects(api(credentials, refusal(), refusal()).http.execute(REQUEST), Unauthorized);
});

test("a field that is not allowed is no reason to ask again", async () => {
  const { http, asked } = api(apiKey("k"), json({ data: null, errors: [{ errorType: "Unauthorized", message: "no" }] }));
  await assert.rejects(http.execute(REQUEST), Unauthorized);
  assert.equal(asked.length, 1);
});

test("what is no answer of AppSync's is as good as none, and may pass", async () => {
  const page = () => new Response("<html>Welcome to our hotel</html>", { status: 200 });
  for (const answer of [page(), new Response("", { status: 502 }), json([]), json(null), json({}), new TypeError("fetch failed")]) {
    await assert.rejects(api(apiKey("k"), answer).http.execute(REQUEST), Unreachable);
  }
  const busy = api(apiKey("k"), json({ errors: [{ errorType: "X", message: "busy" }] }, 503));
  await assert.rejects(busy.http.execute(REQUEST), isTransient);
});

test("a request can be given up", async () => {
  const never = (signal: AbortSignal) => new Promise<Response>((_, reject) => (signal.onabort = () => reject(new Error("x"))));
  const platform = { clock: systemClock, fetch: (_: unknown, init: RequestInit) => never(init.signal!) } as unknown as Platform;
  const http = new Http(platform, endpoint("https://api.test/graphql"), apiKey("k"));
  const giveUp = new AbortController();
  const asked = http.execute(REQUEST, { signal: giveUp.signal });
  setImmediate(() => giveUp.abort());
  await assert.rejects(asked, Unreachable);
  await assert.rejects(http.execute(REQUEST, { signal: giveUp.signal }), Unreachable);
  await assert.rejects(http.execute(REQUEST, { timeoutMs: 1 }), Unreachable);
});

test("a token tells when it expires; another one does not", async () => {
  const request = { url: "https://api.test/graphql", body: "{}", frame: false };
  assert.deepEqual(await jwt(token(1_800_000_000)).authorize(request, false), {
    headers: { Authorization: token(1_800_000_000) },
    expiresAt: 1_800_000_000_000,
  });
  assert.equal((await authorizer(async () => "secret").authorize(request, false)).expiresAt, null);
  for (const broken of ["", "a.b.c", "a.e30.c", "ä.ö.ü"]) assert.equal(expiryOf(broken), null);
});

test("the WebSocket is AppSync's own host, or below the path of any other", () => {
  const ids = "abcdefghijklmnopqrstuvwxyz";
  assert.equal(
    endpoint(`https://${ids}.appsync-api.eu-west-1.amazonaws.com/graphql`).realtimeUrl,
    `wss://${ids}.appsync-realtime-api.eu-west-1.amazonaws.com/graphql`,
  );
  assert.equal(endpoint("http://localhost:4000/graphql").realtimeUrl, "ws://localhost:4000/graphql/realtime");
  assert.equal(endpoint("http://a.test/graphql/", "ws://b.test/").realtimeUrl, "ws://b.test/");
  assert.throws(() => endpoint("/graphql"), NoEndpoint);
});
