/** What the client needs of where it runs. The browser's is here, Node's in platform.node.ts. */
import { type Clock, systemClock } from "./clock.js";

/** What a socket tells. After `closed` it tells nothing more. */
export interface SocketEvents {
  opened(): void;
  message(text: string): void;
  /** The other side answered the ping of this mark. */
  pong(mark: number): void;
  closed(reason: string): void;
}

export interface Socket {
  send(text: string): void;
  /** End it; nothing is told any more. */
  close(): void;
  /** Ask for a sign of life, where the platform can. */
  ping?(mark: number): void;
}

/** What the surroundings tell of the network and of this process. */
export interface Surroundings {
  /** There is no network now. */
  lost(): void;
  /** There is one again. */
  returned(): void;
  /** This process is about to be stopped. */
  freezing(): void;
  /** It was stopped, or out of sight for a while, and goes on. */
  resumed(): void;
}

export interface Platform {
  readonly clock: Clock;
  readonly fetch: typeof fetch;
  openSocket(url: string, protocols: string[], events: SocketEvents): Socket;
  /** Tell of the surroundings until the result is called. */
  watch(surroundings: Surroundings): () => void;
  /** Whether nobody looks, so that timers are held back. */
  hidden(): boolean;
  /** Whether the host of a URL takes connections, asked cheaply; where a platform tells `returned` there is none. */
  reaches?(url: string): Promise<boolean>;
}

/** A WebSocket as browsers have it, and Node from version 22. */
export function browserSocket(url: string, protocols: string[], events: SocketEvents): Socket {
  const socket = new WebSocket(url, protocols);
  socket.onopen = () => events.opened();
  socket.onmessage = ({ data }) => events.message(String(data));
  socket.onclose = ({ code, reason }) => events.closed(`closed with ${code}${reason && ` ${reason}`}`);
  return {
    send: (text) => socket.send(text),
    close() {
      socket.onopen = socket.onmessage = socket.onclose = null;
      socket.close(1000);
    },
  };
}

// A page out of sight for longer is one whose connections phones and laptops may have let go without a word.
const HIDDEN_MS = 10_000;

export const browser: Platform = {
  clock: systemClock,
  fetch: (...request) => fetch(...request),
  openSocket: browserSocket,
  hidden: () => globalThis.document?.visibilityState === "hidden",
  watch(surroundings) {
    let hiddenAt = Infinity;
    const seenOrNot = (): void => {
      if (browser.hidden()) hiddenAt = Date.now();
      else if (Date.now() - hiddenAt >= HIDDEN_MS) surroundings.resumed();
    };
    const listeners: [EventTarget | undefined, string, (event: Event) => void][] = [
      [globalThis.window, "offline", () => surroundings.lost()],
      [globalThis.window, "online", () => surroundings.returned()],
      // Out of the back/forward cache, whose pages stand still.
      [globalThis.window, "pageshow", (event) => (event as PageTransitionEvent).persisted && surroundings.resumed()],
      [globalThis.document, "freeze", () => surroundings.freezing()],
      [globalThis.document, "resume", () => surroundings.resumed()],
      [globalThis.document, "visibilitychange", seenOrNot],
    ];
    for (const [target, type, listener] of listeners) target?.addEventListener(type, listener);
    return () => {
      for (const [target, type, listener] of listeners) target?.removeEventListener(type, listener);
    };
  },
};
