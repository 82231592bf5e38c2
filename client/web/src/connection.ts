/**
 * One WebSocket to AppSync, from its handshake to its end, and the subscriptions on it.
 *
 *     -> connection_init      <- connection_ack {connectionTimeoutMs}   ka ... ka ...
 *     -> start {id}           <- start_ack {id}   data {id} ...   error {id}
 *     -> stop {id}            <- complete {id}
 *
 * The handshake's credentials travel in the second subprotocol, which all browsers can send. Source: AppSync Developer
 * Guide, "Building a real-time WebSocket client".
 */
import type { Clock } from "./clock.js";
import { failure, type HeadwaterError, Unreachable } from "./errors.js";
import type { Platform, Socket } from "./platform.js";
import type { Payload } from "./transport.js";

// Amplify waits as long for `connection_ack` and for `start_ack`.
export const START_MS = 15_000;
// AppSync sends `ka` once a minute; what takes longer than this on top is silence.
export const KA_MS = 60_000;
export const GRACE_MS = 5_000;
// Where one can ping, silence shows sooner.
export const PING_MS = 3_000;
export const PONG_MS = 4_000;

export interface ConnectionEvents {
  /** Something is about to be told. */
  woken(): void;
  acknowledged(id: string): void;
  data(id: string, payload: Payload): void;
  /** A subscription is no more: refused or ended by the server; null when it gave no reason. */
  ended(id: string, error: HeadwaterError | null): void;
  /** Nothing was heard within the liveness window. */
  silent(): void;
  /** The other side has answered what was asked by `prove`: it is there now. */
  proven(): void;
  /** The connection is gone; nothing follows. */
  closed(error: HeadwaterError): void;
}

interface Frame {
  readonly type?: string;
  readonly id?: string;
  readonly payload?: Payload & { readonly connectionTimeoutMs?: number };
}

export class Connection {
  readonly #clock: Clock;
  readonly #socket: Socket;
  readonly #events: ConnectionEvents;
  readonly #cancels = new Map<string, () => void>(); // timers, by what they wait for
  #ready: { resolve(): void; reject(error: HeadwaterError): void } | null = null;
  #closed = false;
  #pings = 0; // marks given
  #asked = 0; // the first mark whose answer proves what `prove` asked
  #heardAt: number;
  #windowMs: number;

  /** Resolves when `connection_ack` has come; until then `events` are told nothing. */
  static async open(
    platform: Platform,
    url: string,
    header: Readonly<Record<string, string>>,
    events: ConnectionEvents,
    made: (connection: Connection) => void,
  ): Promise<Connection> {
    return new Promise((resolve, reject) => {
      const connection = new Connection(platform, url, header, events);
      connection.#ready = { resolve: () => resolve(connection), reject };
      made(connection);
    });
  }

  private constructor(
    platform: Platform,
    url: string,
    header: Readonly<Record<string, string>>,
    events: ConnectionEvents,
  ) {
    this.#clock = platform.clock;
    this.#events = events;
    this.#heardAt = platform.clock.now();
    this.#socket = platform.openSocket(url, ["graphql-ws", `header-${base64Url(JSON.stringify(header))}`], {
      opened: () => this.#send({ type: "connection_init" }),
      message: (text) => this.#received(text),
      pong: (mark) => {
        events.woken();
        if (this.#closed) return;
        this.#heard();
        if (mark >= this.#asked) events.proven();
      },
      closed: (reason) => this.#end(new Unreachable(`${new URL(url).host}: ${reason}`)),
    });
    this.#windowMs = this.#socket.ping ? PING_MS + PONG_MS : KA_MS + GRACE_MS;
    this.#wait("ack", START_MS, () => this.#end(new Unreachable(`no connection_ack in ${START_MS / 1000} s`)));
  }

  start(id: string, data: string, authorization: Readonly<Record<string, string>>): void {
    this.#send({ id, type: "start", payload: { data, extensions: { authorization } } });
    this.#wait(`start ${id}`, START_MS, () => {
      this.#send({ id, type: "stop" });
      this.#events.ended(id, new Unreachable(`no start_ack in ${START_MS / 1000} s`));
    });
  }

  stop(id: string): void {
    this.#cancel(`start ${id}`);
    this.#send({ id, type: "stop" });
  }

  /**
   * Ask for a sign of life, to be told by `proven`. What had arrived before is none: it may have waited in a buffer
   * while this process slept. False where the platform cannot ask.
   */
  prove(): boolean {
    this.#asked = this.#pings + 1;
    return this.#ping();
  }

  /** End it; nothing is told any more but, to whoever waits for the handshake, that it is over. */
  close(): void {
    if (this.#finish()) this.#ready?.reject(new Unreachable("the connection was given up"));
  }

  #received(text: string): void {
    this.#events.woken();
    if (this.#closed) return;
    this.#heard();
    let frame: Frame;
    try {
      frame = JSON.parse(text) as Frame;
    } catch {
      return this.#end(new Unreachable(`the server sent what is no JSON: ${text.slice(0, 200)}`));
    }
    const { type, id, payload } = frame ?? {};
    if (type === "data" && id !== undefined) this.#events.data(id, payload ?? {});
    else if (type === "connection_ack") this.#acknowledged(payload?.connectionTimeoutMs);
    else if (type === "start_ack" && id !== undefined) {
      // An acknowledgement that comes after it was given up is of no use: `stop` is on its way.
      if (this.#cancel(`start ${id}`)) this.#events.acknowledged(id);
    } else if ((type === "error" || type === "complete") && id !== undefined) {
      this.#cancel(`start ${id}`);
      this.#events.ended(id, type === "error" ? failure(payload?.errors) : null);
    } else if (type === "connection_error") this.#end(failure(payload?.errors));
    else if (type === "error") this.#refusedAtLarge(failure(payload?.errors));
    // `ka` was heard; what is not known is let pass.
  }

  #acknowledged(timeoutMs: number | undefined): void {
    if (!this.#ready) return;
    this.#cancel("ack");
    if (typeof timeoutMs === "number" && timeoutMs > 0) this.#windowMs = Math.min(this.#windowMs, timeoutMs);
    this.#listen();
    this.#pingOnAndOn();
    this.#ready.resolve();
    this.#ready = null;
  }

  /** An error that names no subscription, such as LimitExceededError: it is of one that waits for its acknowledgement. */
  #refusedAtLarge(error: HeadwaterError): void {
    for (const key of [...this.#cancels.keys()]) {
      if (key.startsWith("start ") && this.#cancel(key)) this.#events.ended(key.slice("start ".length), error);
    }
  }

  #heard(): void {
    this.#heardAt = this.#clock.now();
  }

  #listen(): void {
    const silence = this.#clock.now() - this.#heardAt;
    this.#wait("silence", Math.max(0, this.#windowMs - silence), () => {
      if (this.#clock.now() - this.#heardAt < this.#windowMs) return this.#listen();
      this.#heardAt = this.#clock.now(); // and tell again after another window
      this.#listen();
      this.#events.silent();
    });
  }

  #pingOnAndOn(): void {
    this.#wait("ping", PING_MS, () => this.#ping() && this.#pingOnAndOn());
  }

  #ping(): boolean {
    this.#socket.ping?.(++this.#pings);
    return this.#socket.ping !== undefined;
  }

  #send(frame: object): void {
    if (!this.#closed) this.#socket.send(JSON.stringify(frame));
  }

  #end(error: HeadwaterError): void {
    if (!this.#finish()) return;
    if (this.#ready) this.#ready.reject(error);
    else this.#events.closed(error);
  }

  #finish(): boolean {
    if (this.#closed) return false;
    this.#closed = true;
    for (const key of [...this.#cancels.keys()]) this.#cancel(key);
    this.#socket.close();
    return true;
  }

  #wait(key: string, ms: number, run: () => void): void {
    this.#cancels.set(
      key,
      this.#clock.after(ms, () => {
        this.#cancels.delete(key);
        this.#events.woken();
        if (!this.#closed) run();
      }),
    );
  }

  #cancel(key: string): boolean {
    this.#cancels.get(key)?.();
    return this.#cancels.delete(key);
  }
}

function base64Url(text: string): string {
  const bytes = Array.from(new TextEncoder().encode(text), (byte) => String.fromCharCode(byte)).join("");
  return btoa(bytes).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
}
