/**
 * One logical connection: a WebSocket that is made anew when it is lost, doubted or about to expire, and the
 * subscriptions that it bears. Where there is time, the next socket bears all of them before the first one closes.
 */
import { fullJitter, MOST_MS } from "./backoff.js";
import { Connection, type ConnectionEvents, PONG_MS, START_MS } from "./connection.js";
import type { Authorization, Credentials, ToAuthorize } from "./credentials.js";
import type { Endpoint } from "./endpoint.js";
import { HeadwaterError, isTransient, NoCredentials, Unauthorized, Unreachable } from "./errors.js";
import type { Platform } from "./platform.js";
import { typed } from "./thrown.js";
import type { Listener, Operation, Payload, Status } from "./transport.js";

/** A subscription, wherever it is borne. */
export interface Registration {
  readonly operation: Operation;
  readonly listener: Listener;
  told: Status | null;
  attempt: number;
  /** The server refused it, and fresh credentials were asked for since. */
  renewed: boolean;
}

/** What a line asks of its surroundings. */
export interface Exchange {
  readonly platform: Platform;
  readonly endpoint: Endpoint;
  readonly credentials: Credentials;
  newId(): string;
  /** Something is about to be told: has this process slept? */
  woken(): void;
  /** Whether the API answers requests over HTTP now. */
  answers(): Promise<boolean>;
  /** The server takes no more subscriptions on this line, which bears `count`: find another. */
  full(registration: Registration, count: number): void;
  /** The line has begun to wait, or ceased to. */
  waits(): void;
}

interface Carrier {
  connection: Connection | null;
  readonly ids: Map<string, Registration>;
  readonly acknowledged: Set<Registration>;
  /** Subscriptions that have yet to catch up before this connection takes over. */
  readonly pending: Set<Registration>;
  readonly begunAt: number;
  open: boolean;
  doubted: boolean;
  expiresAt: number | null;
}

const LINGER_MS = 1000;
const HANDOVER_MS = 3_000;
// Handshakes that fail in a row until one asks whether it is WebSockets that are blocked.
const BLOCKED_AFTER = 3;
const EXPIRY_MARGIN_MS = 60_000;
const LEAST_RENEWAL_MS = 1_000;

export class Line {
  readonly #exchange: Exchange;
  readonly registrations = new Set<Registration>();
  #current: Carrier | null = null;
  #next: Carrier | null = null; // in its handshake, or taking over
  #attempt = 0;
  #failedHandshakes = 0; // in a row, for want of an answer
  #polling = false;
  #renewed = false;
  #retry: (() => void) | null = null;
  #cancelRenewal = (): void => undefined;
  #cancelDoubt = (): void => undefined;
  #cancelLinger = (): void => undefined;

  constructor(exchange: Exchange) {
    this.#exchange = exchange;
  }

  /** Whether it is down and waits for its next attempt. */
  get waiting(): boolean {
    return this.#retry !== null;
  }

  add(registration: Registration): void {
    this.#cancelLinger();
    this.registrations.add(registration);
    for (const carrier of [this.#current, this.#next]) if (carrier?.open) void this.#start(carrier, registration);
    if (!this.#current && !this.#next && !this.#retry) void this.#make(false);
    this.#tell();
  }

  remove(registration: Registration): void {
    if (!this.registrations.delete(registration)) return;
    for (const carrier of [this.#current, this.#next]) {
      for (const [id, held] of carrier?.ids ?? []) {
        if (held !== registration) continue;
        carrier!.ids.delete(id);
        carrier!.connection?.stop(id);
      }
      carrier?.acknowledged.delete(registration);
      if (carrier) this.#settled(carrier, registration);
    }
    if (this.registrations.size === 0) this.#cancelLinger = this.#after(LINGER_MS, () => this.close());
  }

  close(): void {
    this.#cancelLinger();
    this.#cancelRenewal();
    this.#cancelDoubt();
    this.#stopWaiting();
    const carriers = [this.#current, this.#next];
    this.#current = this.#next = null;
    for (const carrier of carriers) carrier?.connection?.close();
    this.registrations.clear();
  }

  /** The network is said to be gone: so is the connection. */
  lost(): void {
    const current = this.#current;
    if (!current && !this.#next) return;
    this.#next?.connection?.close();
    this.#next = null;
    current?.connection?.close();
    if (current) this.#closed(current);
    else this.#down();
  }

  /** The network is back: no more waiting, and what still stands has to prove it. */
  returned(): void {
    this.#attempt = 0;
    if (this.#retry) {
      this.#stopWaiting();
      void this.#make(false);
      return;
    }
    this.doubt();
    this.prove();
  }

  /** Nobody can say whether the connection still stands: say so before anything else. */
  doubt(): void {
    // What a connection in the making will say may have been said before, and waited in a buffer: it counts for nothing.
    const next = this.#next;
    this.#next = null;
    next?.connection?.close();
    if (this.#current) {
      this.#current.doubted = true;
      this.#renewLater(this.#current);
      this.#tell();
    } else if (next) {
      void this.#make(false);
    }
  }

  /** Find out: by a ping, or by a second connection where one cannot ping. */
  prove(): void {
    const carrier = this.#current;
    if (!carrier?.doubted) return;
    if (!carrier.connection?.prove()) {
      if (!this.#next) void this.#make(false);
      return;
    }
    this.#cancelDoubt();
    this.#cancelDoubt = this.#after(PONG_MS, () => {
      if (this.#current === carrier && carrier.doubted) this.#drop(carrier);
    });
  }

  // --- connections ---

  async #make(renew: boolean): Promise<void> {
    const carrier: Carrier = {
      connection: null,
      ids: new Map(),
      acknowledged: new Set(),
      pending: new Set(),
      begunAt: this.#now(),
      open: false,
      doubted: false,
      expiresAt: null,
    };
    this.#next = carrier;
    this.#tell();
    try {
      const { platform, endpoint } = this.#exchange;
      const handshake = { url: `${endpoint.url}/connect`, body: "{}", frame: true };
      const { headers, expiresAt } = await this.#authorize(handshake, renew || this.#renewed);
      if (this.#next !== carrier) return;
      carrier.expiresAt = expiresAt;
      if (this.#current && renew && !this.#isFresher(carrier)) {
        // The provider has no newer token: the connection goes on for as long as the server lets it.
        this.#next = null;
        return this.#renewLater(this.#current);
      }
      const header = { host: endpoint.host, ...headers };
      await Connection.open(platform, endpoint.realtimeUrl, header, this.#events(carrier), (connection) => {
        carrier.connection = connection;
      });
    } catch (error) {
      if (this.#next === carrier) this.#handshakeFailed(error);
      return;
    }
    if (this.#next !== carrier) return carrier.connection?.close();
    carrier.open = true;
    this.#failedHandshakes = 0;
    this.#polling = this.#renewed = false;
    for (const registration of this.registrations) carrier.pending.add(registration);
    if (!this.#current || carrier.pending.size === 0) this.#promote(carrier);
    for (const registration of this.registrations) void this.#start(carrier, registration);
  }

  #isFresher({ expiresAt }: Carrier): boolean {
    return expiresAt === null || expiresAt > (this.#current?.expiresAt ?? 0);
  }

  /** From now on this is the connection; the one before it closes. */
  #promote(carrier: Carrier): void {
    const before = this.#current;
    this.#current = carrier;
    if (this.#next === carrier) this.#next = null;
    before?.connection?.close();
    this.#cancelDoubt();
    this.#renewLater(carrier);
    this.#tell();
  }

  #renewLater(carrier: Carrier): void {
    this.#cancelRenewal();
    if (carrier.expiresAt === null) return;
    const left = carrier.expiresAt - this.#now();
    if (left <= 0 && carrier.acknowledged.size > 0) return; // tried until the end: now the server decides
    const wait = Math.max(left - Math.min(EXPIRY_MARGIN_MS, left / 5), LEAST_RENEWAL_MS);
    this.#cancelRenewal = this.#after(wait, () => {
      if (this.#current === carrier && !this.#next) void this.#make(true);
    });
  }

  #handshakeFailed(thrown: unknown): void {
    this.#next = null;
    const error = typed(thrown, NoCredentials);
    const current = this.#current;
    if (current) {
      if (current.doubted) this.#drop(current);
      else this.#renewLater(current);
      return;
    }
    if (error instanceof Unauthorized && !this.#renewed) {
      this.#renewed = true;
      void this.#make(true);
    } else if (!isTransient(error)) {
      this.#renewed = false;
      this.#refuseAll(error);
    } else {
      if (error instanceof Unreachable && !(error instanceof NoCredentials)) this.#failedHandshakes += 1;
      this.#down();
    }
  }

  #events(carrier: Carrier): ConnectionEvents {
    return {
      woken: () => this.#exchange.woken(),
      acknowledged: (id) => this.#acknowledged(carrier, id),
      data: (id, payload: Payload) => carrier.ids.get(id)?.listener.next(payload),
      ended: (id, error) => this.#ended(carrier, id, error),
      silent: () => this.#silent(carrier),
      proven: () => this.#proven(carrier),
      closed: () => this.#closed(carrier),
    };
  }

  #silent(carrier: Carrier): void {
    if (carrier === this.#next) return this.#drop(carrier);
    if (carrier.doubted) return; // and its proof is under way
    this.doubt();
    this.prove();
  }

  #proven(carrier: Carrier): void {
    if (carrier !== this.#current || !carrier.doubted) return;
    this.#cancelDoubt();
    carrier.doubted = false;
    for (const { listener } of carrier.acknowledged) void listener.acknowledged(true);
    this.#tell();
  }

  #drop(carrier: Carrier): void {
    carrier.connection?.close();
    this.#closed(carrier);
  }

  #closed(carrier: Carrier): void {
    carrier.acknowledged.clear();
    carrier.ids.clear();
    if (carrier === this.#next) {
      this.#next = null;
      if (!this.#current) this.#down();
      else if (this.#current.doubted) this.#drop(this.#current);
      else this.#renewLater(this.#current);
    } else if (carrier === this.#current) {
      this.#current = null;
      this.#cancelDoubt();
      this.#cancelRenewal();
      if (this.#now() - carrier.begunAt > MOST_MS) this.#attempt = 0;
      if (this.#next?.open) this.#promote(this.#next);
      else if (this.#next) this.#tell();
      else this.#down();
    }
  }

  #down(): void {
    if (this.registrations.size === 0) return;
    const wait = fullJitter(this.#attempt++, () => this.#exchange.platform.clock.random());
    this.#retry = this.#after(wait, () => {
      this.#stopWaiting();
      void this.#make(false);
    });
    this.#exchange.waits();
    this.#tell();
    if (this.#failedHandshakes >= BLOCKED_AFTER) void this.#askWhetherBlocked();
  }

  async #askWhetherBlocked(): Promise<void> {
    const answers = await this.#exchange.answers();
    if (this.#current || this.#failedHandshakes === 0) return;
    this.#polling = answers;
    this.#tell();
  }

  #stopWaiting(): void {
    this.#retry?.();
    this.#retry = null;
    this.#exchange.waits();
  }

  // --- subscriptions ---

  async #start(carrier: Carrier, registration: Registration): Promise<void> {
    const { query, variables } = registration.operation;
    const data = JSON.stringify({ query, variables });
    const { endpoint } = this.#exchange;
    let authorization: Authorization;
    try {
      authorization = await this.#authorize({ url: endpoint.url, body: data, frame: true }, registration.renewed);
    } catch (error) {
      return this.#refused(carrier, registration, typed(error, NoCredentials));
    }
    if (!this.#bears(carrier, registration)) return;
    const id = this.#exchange.newId();
    carrier.ids.set(id, registration);
    carrier.connection?.start(id, data, { host: endpoint.host, ...authorization.headers });
  }

  #bears(carrier: Carrier, registration: Registration): boolean {
    return (carrier === this.#current || carrier === this.#next) && this.registrations.has(registration);
  }

  #acknowledged(carrier: Carrier, id: string): void {
    const registration = carrier.ids.get(id);
    if (!registration) return;
    const other = carrier === this.#current ? this.#next : this.#current;
    const gap = !other?.acknowledged.has(registration) || other.doubted;
    carrier.acknowledged.add(registration);
    registration.attempt = 0;
    registration.renewed = false;
    void registration.listener.acknowledged(gap).then(() => this.#settled(carrier, registration));
    this.#tell();
  }

  #settled(carrier: Carrier, registration: Registration): void {
    if (!carrier.pending.delete(registration) || carrier.pending.size > 0 || carrier !== this.#next) return;
    // AppSync may acknowledge before it is ready: until then the connection before brings what this one does not.
    this.#after(HANDOVER_MS, () => carrier === this.#next && carrier.open && this.#promote(carrier));
  }

  #ended(carrier: Carrier, id: string, error: HeadwaterError | null): void {
    const registration = carrier.ids.get(id);
    carrier.ids.delete(id);
    if (registration) this.#refused(carrier, registration, error ?? new Unreachable("the server ended the subscription"));
  }

  #refused(carrier: Carrier, registration: Registration, error: HeadwaterError): void {
    carrier.acknowledged.delete(registration);
    if (!this.#bears(carrier, registration)) return;
    if (isFull(error) && this.registrations.size > 1) {
      const { size } = carrier.acknowledged;
      this.remove(registration);
      registration.told = null;
      return this.#exchange.full(registration, Math.max(1, size));
    }
    if (error instanceof Unauthorized && !registration.renewed) {
      registration.renewed = true;
      void this.#start(carrier, registration);
    } else if (isTransient(error) || isFull(error)) {
      const wait = fullJitter(registration.attempt++, () => this.#exchange.platform.clock.random());
      this.#after(wait, () => this.#bears(carrier, registration) && void this.#start(carrier, registration));
    } else {
      this.remove(registration);
      registration.listener.failed(error);
    }
    this.#tell();
  }

  #refuseAll(error: HeadwaterError): void {
    const refused = [...this.registrations];
    this.registrations.clear();
    for (const { listener } of refused) listener.failed(error);
  }

  // --- what can be said ---

  #tell(): void {
    for (const registration of [...this.registrations]) {
      const status = this.#statusOf(registration);
      if (status === registration.told) continue;
      registration.told = status;
      registration.listener.status(status);
    }
  }

  #statusOf(registration: Registration): Status {
    const bearing = [this.#current, this.#next].filter((carrier) => carrier?.acknowledged.has(registration));
    if (bearing.some((carrier) => !carrier!.doubted)) return "up";
    if (bearing.length > 0) return "stale";
    if (this.#polling) return "polling";
    return this.#retry ? "offline" : "connecting";
  }

  async #authorize(request: ToAuthorize, renew: boolean): Promise<Authorization> {
    return new Promise((resolve, reject) => {
      const cancel = this.#after(START_MS, () => reject(new NoCredentials(`no credentials in ${START_MS / 1000} s`)));
      void this.#exchange.credentials.authorize(request, renew).then(resolve, reject).finally(cancel);
    });
  }

  #after(ms: number, run: () => void): () => void {
    return this.#exchange.platform.clock.after(ms, () => {
      this.#exchange.woken();
      run();
    });
  }

  #now(): number {
    return this.#exchange.platform.clock.now();
  }
}

function isFull(error: HeadwaterError): boolean {
  return /MaxSubscriptionsReached/.test((error as { type?: string | null }).type ?? "");
}
