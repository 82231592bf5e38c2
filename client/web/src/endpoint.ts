/** Where the API is. */
import { NoEndpoint } from "./errors.js";

export interface Endpoint {
  /** What answers queries and mutations. */
  readonly url: string;
  /** The WebSocket. */
  readonly realtimeUrl: string;
  /** The host that AppSync checks credentials against: the one of `url`, with its port. */
  readonly host: string;
}

/** The endpoint of a GraphQL URL; a relative one is of the page's own host. */
export function endpoint(url: string, realtimeUrl?: string): Endpoint {
  const page = (globalThis as { location?: { href: string } }).location?.href;
  let absolute: URL;
  try {
    absolute = new URL(url, page);
  } catch {
    throw new NoEndpoint(`url ${JSON.stringify(url)} is no address of an API`);
  }
  return { url: absolute.href, realtimeUrl: realtimeUrl ?? realtimeUrlOf(absolute), host: absolute.host };
}

/**
 * The WebSocket of a GraphQL URL: AppSync's realtime host, and `/realtime` below the path for any other host.
 *
 * Source: AppSync Developer Guide, "Building a real-time WebSocket client" and "custom domain names".
 */
function realtimeUrlOf(url: URL): string {
  const realtime = new URL(url);
  realtime.protocol = url.protocol.replace("http", "ws");
  if (url.host.includes(".appsync-api.")) realtime.host = url.host.replace(".appsync-api.", ".appsync-realtime-api.");
  else realtime.pathname = `${url.pathname.replace(/\/$/, "")}/realtime`;
  return realtime.href;
}
