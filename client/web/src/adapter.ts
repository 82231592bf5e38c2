/**
 * Subscriptions carried by another library, one at a time: begun anew with full jitter when they end, for as long as
 * their feed wants them.
 */
import { fullJitter } from "./backoff.js";
import { type Clock, Pulse, systemClock } from "./clock.js";
import { failure, HeadwaterError, isTransient, Unreachable } from "./errors.js";
import type { Listener, Operation, Payload, Status, Subscription, Transport } from "./transport.js";

/** What the other library tells of a subscription that it was asked for. */
export interface Carried {
  /** The server has acknowledged it, for the first time or again after a disconnect. */
  acknowledged(): void;
  /** What the library knows of its connection. */
  status(status: Status): void;
  next(payload: Payload): void;
  ended(error: HeadwaterError): void;
}

/** Begins a subscription; the result ends it. */
export type Carry = (operation: Operation, carried: Carried) => () => void;

export class Adapter implements Transport {
  readonly #pulse: Pulse;
  readonly #all = new Set<Adapted>();

  constructor(
    private readonly carry: Carry,
    private readonly clock: Clock = systemClock,
  ) {
    const hidden = (): boolean => globalThis.document?.visibilityState === "hidden";
    this.#pulse = new Pulse(clock, hidden, () => this.#all.forEach((one) => one.again()));
  }

  subscribe(operation: Operation, listener: Listener): Subscription {
    const one = new Adapted(this.carry, this.clock, operation, listener);
    this.#all.add(one);
    this.#pulse.start();
    one.begin();
    return {
      close: () => {
        one.close();
        this.#all.delete(one);
        if (this.#all.size === 0) this.#pulse.stop();
      },
    };
  }

  check(): void {
    this.#pulse.check();
  }

  close(): void {
    this.#pulse.stop();
    for (const one of this.#all) one.close();
    this.#all.clear();
  }
}

class Adapted {
  #attempt = 0;
  #end = (): void => undefined;
  #cancel = (): void => undefined;
  #told: Status | null = null;
  #current = 0; // which attempt is listened to

  constructor(
    private readonly carry: Carry,
    private readonly clock: Clock,
    private readonly operation: Operation,
    private readonly listener: Listener,
  ) {}

  begin(): void {
    const number = ++this.#current;
    const isCurrent = (): boolean => number === this.#current;
    this.#tell("connecting");
    const end = this.carry(this.operation, {
      acknowledged: () => isCurrent() && this.#acknowledged(),
      status: (status) => isCurrent() && this.#tell(status),
      next: (payload) => {
        if (!isCurrent()) return;
        if (this.#told !== "up") this.#acknowledged(); // what brings data is acknowledged
        this.listener.next(payload);
      },
      ended: (error) => isCurrent() && this.#ended(error),
    });
    if (isCurrent()) this.#end = end;
    else end();
  }

  /** Nobody can say whether it still stands: begin anew. */
  again(): void {
    this.#tell("stale");
    this.close();
    this.begin();
  }

  close(): void {
    this.#current += 1;
    this.#cancel();
    const end = this.#end;
    this.#end = () => undefined;
    end();
  }

  #acknowledged(): void {
    this.#attempt = 0;
    void this.listener.acknowledged(true);
    this.#tell("up");
  }

  #ended(error: HeadwaterError): void {
    this.close();
    if (!isTransient(error)) return this.listener.failed(error);
    this.#tell("offline");
    const wait = fullJitter(this.#attempt++, () => this.clock.random());
    this.#cancel = this.clock.after(wait, () => this.begin());
  }

  #tell(status: Status): void {
    if (status === this.#told) return;
    this.#told = status;
    this.listener.status(status);
  }
}

/**
 * What a library threw, as an error of ours. Both put the server's words into a message: `Connection failed: ` and the
 * payload of the frame, or only its `errorType`.
 */
export function carriedError(thrown: unknown): HeadwaterError {
  if (thrown instanceof HeadwaterError) return thrown;
  const { errors = [], message = String(thrown) } = (thrown ?? {}) as { errors?: { message?: string }[]; message?: string };
  const text = errors[0]?.message ?? message;
  const said = /^Connection failed: *(.*)$/s.exec(text)?.[1] ?? "";
  if (/^(\w+Exception|Unauthorized)$/.test(said)) return failure([{ errorType: said, message: text }]);
  try {
    const { errors: told } = JSON.parse(said) as { errors?: unknown };
    if (told) return failure(told);
  } catch {
    // no frame of the server's
  }
  return new Unreachable(text);
}
