/** Time and chance, as an argument: a simulation drives them. */

export interface Clock {
  /** Wall clock in ms since the epoch: what tokens expire by. */
  now(): number;
  /** Run something once after `ms`; the result cancels it. */
  after(ms: number, run: () => void): () => void;
  /** Uniform in [0, 1). */
  random(): number;
}

// What setTimeout takes; longer ones would fire at once.
const LONGEST_MS = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => Date.now(),
  random: () => Math.random(),
  after(ms, run) {
    const timer = setTimeout(run, Math.min(Math.max(0, ms), LONGEST_MS));
    return () => clearTimeout(timer);
  },
};

// A tick each second; one that comes this much late says that the process slept, or that its timers were held back.
const TICK_MS = 1000;
const LATE_MS = 4000;
// Browsers hold the timers of hidden pages back to one a minute.
const LATE_HIDDEN_MS = 64_000;

/** Notices that time has passed without this process: a closed lid, SIGSTOP, a frozen tab. */
export class Pulse {
  #last = 0;
  #cancel: (() => void) | null = null;

  constructor(
    private readonly clock: Clock,
    private readonly hidden: () => boolean,
    private readonly slept: (ms: number) => void,
  ) {}

  /** Begin, unless it goes on already. It keeps a program in Node from ending, so it is not to go on for nothing. */
  start(): void {
    if (this.#cancel) return;
    this.#last = this.clock.now();
    this.#arm();
  }

  /** To be called before anything is made of what arrives: a tick may be due and not have run yet. */
  check(): void {
    if (!this.#cancel) return;
    const passed = this.clock.now() - this.#last;
    const late = this.hidden() ? LATE_HIDDEN_MS : LATE_MS;
    if (passed <= TICK_MS + late && passed >= 0) return;
    this.#last = this.clock.now();
    if (passed > 0) this.slept(passed); // else somebody has set the clock back
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = null;
  }

  #arm(): void {
    this.#cancel = this.clock.after(TICK_MS, () => {
      this.check();
      this.#last = this.clock.now();
      this.#arm();
    });
  }
}
