/**
 * The client's own transport: AppSync's WebSocket protocol, one connection for many subscriptions, and more of them past
 * the limit of subscriptions per connection.
 */
import { Pulse } from "./clock.js";
import type { Credentials } from "./credentials.js";
import type { Endpoint } from "./endpoint.js";
import { type Exchange, Line, type Registration } from "./line.js";
import type { Platform } from "./platform.js";
import type { Listener, Operation, Subscription, Transport } from "./transport.js";

/** AppSync's quota; it was 100 and 50, and where it still is, the server says so. */
const MOST_SUBSCRIPTIONS = 200;
// How often one asks whether the network is back, where nobody tells.
const PROBE_MS = 500;

export class Realtime implements Transport {
  readonly #platform: Platform;
  readonly #exchange: Exchange;
  readonly #pulse: Pulse;
  readonly #unwatch: () => void;
  readonly #lines: Line[] = [];
  #limit = MOST_SUBSCRIPTIONS;
  #ids = 0;
  #closed = false;
  #probing = false;

  /** @param answers whether the API answers requests over HTTP now */
  constructor(platform: Platform, endpoint: Endpoint, credentials: Credentials, answers: () => Promise<boolean>) {
    this.#platform = platform;
    this.#exchange = {
      platform,
      endpoint,
      credentials,
      answers,
      newId: () => String(++this.#ids),
      woken: () => this.#pulse.check(),
      full: (registration, count) => {
        this.#limit = Math.min(this.#limit, count);
        this.#place(registration);
      },
      waits: () => void this.#probe(),
    };
    this.#pulse = new Pulse(
      platform.clock,
      () => platform.hidden(),
      () => this.#resumed(),
    );
    this.#unwatch = platform.watch({
      lost: () => this.#each((line) => line.lost()),
      returned: () => this.#each((line) => line.returned()),
      freezing: () => this.#each((line) => line.doubt()),
      resumed: () => this.#resumed(),
    });
  }

  subscribe(operation: Operation, listener: Listener): Subscription {
    const registration: Registration = { operation, listener, told: null, attempt: 0, renewed: false };
    this.#pulse.start();
    this.#place(registration);
    return {
      close: () => {
        this.#each((line) => line.remove(registration));
        if (this.#lines.every(({ registrations }) => registrations.size === 0)) this.#pulse.stop();
      },
    };
  }

  /** Notice that this process slept, before anybody reads what it last said. */
  check(): void {
    this.#pulse.check();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#pulse.stop();
    this.#unwatch();
    this.#each((line) => line.close());
  }

  #place(registration: Registration): void {
    let line = this.#lines.find(({ registrations }) => registrations.size < this.#limit);
    if (!line) this.#lines.push((line = new Line(this.#exchange)));
    line.add(registration);
  }

  #resumed(): void {
    this.#each((line) => line.doubt());
    this.#each((line) => line.prove());
  }

  #each(run: (line: Line) => void): void {
    for (const line of this.#lines) run(line);
  }

  /** While a line waits: ask cheaply whether the host is there, and end the waiting when it is there again. */
  async #probe(): Promise<void> {
    if (this.#probing || !this.#platform.reaches) return;
    this.#probing = true;
    let was = true;
    while (!this.#closed && this.#lines.some((line) => line.waiting)) {
      const is = await this.#platform.reaches(this.#exchange.endpoint.realtimeUrl);
      if (is && !was) this.#each((line) => line.returned());
      was = is;
      await new Promise<void>((resolve) => this.#platform.clock.after(PROBE_MS, resolve));
    }
    this.#probing = false;
  }
}
