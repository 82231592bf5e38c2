/**
 * IAM callers: requests and frames signed with Signature Version 4, by the platform's own cryptography.
 *
 * AppSync verifies a frame as if it were an HTTP request: the handshake as a POST of `{}` to `/graphql/connect`, a start
 * as a POST of its `data` to `/graphql`, both on the host of the GraphQL endpoint. Source: AppSync Developer Guide,
 * "Building a real-time WebSocket client"; AWS General Reference, "Signing AWS API requests".
 */
import type { Credentials } from "./credentials.js";
import { NoEndpoint } from "./errors.js";

/** AWS credentials, as the AWS SDK's providers give them too. */
export interface AwsCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string | undefined;
  readonly expiration?: Date | undefined;
}

export interface IamOptions {
  /** By default the one in AppSync's host name. */
  readonly region?: string;
  /** Credentials, or what gives the present ones, such as a provider of `@aws-sdk/credential-providers`. */
  readonly credentials: AwsCredentials | (() => Promise<AwsCredentials>);
  readonly now?: () => Date;
}

// What AWS's own clients sign. Browsers may not send all of a frame's over HTTP.
const SIGNED = ["content-type", "host", "x-amz-date"];
const SIGNED_OF_FRAMES = ["accept", "content-encoding", ...SIGNED];

/** An IAM caller. Each request and each frame is signed anew. */
export function iam({ region, credentials, now = () => new Date() }: IamOptions): Credentials {
  return {
    async authorize({ url, body, frame }) {
      const { accessKeyId, secretAccessKey, sessionToken, expiration } =
        typeof credentials === "function" ? await credentials() : credentials;
      const { host, pathname } = new URL(url);
      const where = region ?? /\.appsync-api\.([\w-]+)\.amazonaws\.com/.exec(host)?.[1];
      if (!where) throw new NoEndpoint(`iam({ region }): ${host} does not tell its region`);
      const time = now().toISOString().replace(/[-:]|\.\d{3}/g, "");
      const headers: Record<string, string> = {
        ...(frame && { accept: "application/json, text/javascript", "content-encoding": "amz-1.0" }),
        "content-type": "application/json; charset=UTF-8",
        host,
        "x-amz-date": time,
        ...(sessionToken && { "x-amz-security-token": sessionToken }),
      };
      const signed = [...(frame ? SIGNED_OF_FRAMES : SIGNED), ...(sessionToken ? ["x-amz-security-token"] : [])];
      const canonical = [
        "POST",
        // A segment is encoded twice: as the URL has it, and once more.
        pathname.split("/").map(encodeURIComponent).join("/"),
        "",
        ...signed.map((name) => `${name}:${headers[name]}`),
        "",
        signed.join(";"),
        hex(await sha256(body)),
      ].join("\n");
      const scope = `${time.slice(0, 8)}/${where}/appsync/aws4_request`;
      const toSign = ["AWS4-HMAC-SHA256", time, scope, hex(await sha256(canonical))].join("\n");
      let key: BufferSource = new TextEncoder().encode(`AWS4${secretAccessKey}`);
      for (const part of [...scope.split("/"), toSign]) key = await hmac(key, part);
      const names = `Credential=${accessKeyId}/${scope}, SignedHeaders=${signed.join(";")}`;
      return {
        headers: { ...headers, Authorization: `AWS4-HMAC-SHA256 ${names}, Signature=${hex(key as ArrayBuffer)}` },
        expiresAt: expiration?.getTime() ?? null,
      };
    },
  };
}

function sha256(text: string): Promise<ArrayBuffer> {
  return crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
}

async function hmac(key: BufferSource, text: string): Promise<ArrayBuffer> {
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const imported = await crypto.subtle.importKey("raw", key, algorithm, false, ["sign"]);
  return crypto.subtle.sign("HMAC", imported, new TextEncoder().encode(text));
}

function hex(bytes: ArrayBuffer): string {
  return Array.from(new Uint8Array(bytes), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
