/** Queries and mutations, over HTTP. */
import type { Credentials } from "./credentials.js";
import type { Endpoint } from "./endpoint.js";
import { failure, GraphQLFailure, HeadwaterError, Unauthorized, Unreachable } from "./errors.js";
import type { Platform } from "./platform.js";
import type { Operation } from "./transport.js";

// AppSync itself gives up a request after 30 s.
const REQUEST_MS = 35_000;

export type Data = Readonly<Record<string, unknown>>;

export interface RequestOptions {
  /** Gives the request up; it then throws Unreachable. */
  readonly signal?: AbortSignal | undefined;
  /** For how long to wait for the answer. */
  readonly timeoutMs?: number | undefined;
}

/** Whatever answers queries and mutations. */
export interface Requests {
  /**
   * @returns the answer's `data`
   * @throws GraphQLFailure: the API answered with errors; its `data` holds what there is besides.
   * @throws Unreachable: there was no answer, or it was none of AppSync's.
   */
  execute(operation: Operation, options?: RequestOptions): Promise<Data>;
}

export class Http implements Requests {
  constructor(
    private readonly platform: Platform,
    private readonly endpoint: Endpoint,
    private readonly credentials: Credentials,
  ) {}

  async execute(operation: Operation, options: RequestOptions = {}): Promise<Data> {
    try {
      return await this.#attempt(operation, options, false);
    } catch (error) {
      // Refused before anything ran (HTTP 401): once more, with fresh credentials.
      if (!(error instanceof Unauthorized && error.type !== "Unauthorized")) throw error;
      return this.#attempt(operation, options, true);
    }
  }

  /** Whether the API answers now, be it with an error. */
  async answers(): Promise<boolean> {
    try {
      await this.execute({ query: "{ __typename }", variables: {} }, { timeoutMs: 5_000 });
      return true;
    } catch (error) {
      return error instanceof GraphQLFailure && (error.errors[0]?.errorCode ?? 0) < 500;
    }
  }

  async #attempt({ query, variables }: Operation, options: RequestOptions, renew: boolean): Promise<Data> {
    const { url } = this.endpoint;
    const body = JSON.stringify({ query, variables });
    const giveUp = new AbortController();
    const abandon = (): void => giveUp.abort();
    options.signal?.addEventListener("abort", abandon);
    const cancel = this.platform.clock.after(options.timeoutMs ?? REQUEST_MS, abandon);
    let status: number;
    let text: string;
    try {
      if (options.signal?.aborted) throw new Error("the request was given up");
      // fetch sets `host` itself, and says so where one tries to.
      const { host: _host, ...headers } = (await this.credentials.authorize({ url, body, frame: false }, renew)).headers;
      const response = await this.platform.fetch(url, {
        method: "POST",
        headers: { "content-type": "application/json", ...headers },
        body,
        signal: giveUp.signal,
      });
      status = response.status;
      text = await response.text();
    } catch (error) {
      if (error instanceof HeadwaterError) throw error;
      throw new Unreachable(`${url}: ${giveUp.signal.aborted ? "no answer in time" : reasonOf(error)}`);
    } finally {
      cancel();
      options.signal?.removeEventListener("abort", abandon);
    }
    return dataOf(url, status, text);
  }
}

function dataOf(url: string, status: number, text: string): Data {
  let answer: { data?: Data | null; errors?: unknown };
  try {
    answer = JSON.parse(text) as typeof answer;
  } catch {
    answer = {};
  }
  if (answer?.errors !== undefined) {
    const errors = Array.isArray(answer.errors) ? (answer.errors as object[]) : [answer.errors];
    throw failure(status === 200 ? errors : errors.map((error) => ({ ...error as object, errorCode: status })), answer.data);
  }
  // A proxy's page, or a hotel's.
  if (typeof answer?.data !== "object") throw new Unreachable(`${url}: HTTP ${status} without a GraphQL answer`);
  return answer.data ?? {};
}

function reasonOf(error: unknown): string {
  const { cause, message } = error as { cause?: { message?: string }; message?: string };
  return cause?.message || message || String(error);
}
