/** Node: WebSockets that can be pinged, so that silence shows within seconds. */
import { connect as dial } from "node:net";
import { WebSocket } from "ws";
import { systemClock } from "./clock.js";
import type { Platform, Socket, SocketEvents } from "./platform.js";

const CLOSE_MS = 1_000;
const REACH_MS = 1_000;

function openSocket(url: string, protocols: string[], events: SocketEvents): Socket {
  // Chat is small frames, which compression only makes slower.
  const socket = new WebSocket(url, protocols, { perMessageDeflate: false });
  let reason = "";
  socket.on("open", () => events.opened());
  socket.on("message", (data) => events.message(String(data)));
  socket.on("pong", (data) => events.pong(Number(String(data))));
  socket.on("error", (error) => (reason = error.message));
  socket.on("close", (code) => events.closed(reason || `closed with ${code}`));
  return {
    send: (text) => socket.send(text, ignore),
    ping: (mark) => socket.ping(String(mark), undefined, ignore),
    close() {
      socket.removeAllListeners();
      socket.on("error", ignore); // of a handshake that is given up
      socket.close(1000);
      // The other side may be gone, and then nobody answers.
      setTimeout(() => socket.terminate(), CLOSE_MS).unref();
    },
  };
}

/** Whether the host takes connections: what it costs both sides is a handshake of TCP. */
function reaches(url: string): Promise<boolean> {
  const { hostname, port, protocol } = new URL(url);
  return new Promise((resolve) => {
    const host = hostname.replace(/^\[|\]$/g, "");
    const socket = dial({ host, port: Number(port) || (protocol === "wss:" ? 443 : 80), timeout: REACH_MS });
    const answer = (reached: boolean): void => {
      socket.destroy();
      resolve(reached);
    };
    socket.on("connect", () => answer(true));
    socket.on("timeout", () => answer(false));
    socket.on("error", () => answer(false));
  });
}

function ignore(): void {}

export const node: Platform = {
  clock: systemClock,
  fetch: (...request) => fetch(...request),
  openSocket,
  reaches,
  hidden: () => false,
  watch: () => ignore,
};
