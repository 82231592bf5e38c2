/** An AppSync API with rooms, as far as a client can tell, and all that it may do wrong without saying so. */
import { type Answer, type Peer, type Random, type Server, type Time } from "./simulated.js";

interface Wire {
  seq: number;
  kind: string;
  key: string;
  message: { id: string; sentAt: string; text: string } | null;
  [member: string]: unknown;
}

interface Started {
  peer: Peer;
  id: string;
  topic: string;
  /** Until then pushes are lost: AppSync acknowledges before it is ready. */
  deafUntil: number;
  /** The topic's head when it was acknowledged. */
  headAtAck: number;
}

export interface Mischief {
  /** Chances per push and subscription. */
  lost: number;
  doubled: number;
  late: number;
  torn: number; // delivered without data
  truncated: number; // per change
}

const ITEM = (key: string, seq: number, now: number) => ({
  id: key,
  sentAt: new Date(now).toISOString(),
  text: `${key} ${seq}`,
});

export class Room {
  readonly log: Wire[] = [];
  readonly items = new Map<string, NonNullable<Wire["message"]>>();
  /** Changes up to here have expired. */
  expired = 0;

  get head(): number {
    return this.log.length;
  }
}

export class AppSync implements Server {
  readonly rooms = new Map<string, Room>();
  readonly started = new Set<Started>();
  mischief: Mischief = { lost: 0, doubled: 0, late: 0, torn: 0, truncated: 0 };
  limit = 200;
  kaMs = 60_000;
  connects = 0;
  /** Who calls, whatever the credentials are. */
  user = "ann";
  /** Tokens are numbers in ms: until when they hold. */
  checksTokens = false;

  constructor(
    private readonly time: Time,
    private readonly random: Random,
  ) {}

  room(id: string): Room {
    if (!this.rooms.has(id)) this.rooms.set(id, new Room());
    return this.rooms.get(id)!;
  }

  /** Some changes of a room, published together. */
  write(id: string, count: number): void {
    const room = this.room(id);
    const first = room.head + 1;
    for (let n = 0; n < count; n += 1) {
      const seq = room.head + 1;
      const known = [...room.items.keys()];
      const roll = this.random();
      const kind = known.length === 0 || roll < 0.6 ? "INSERT" : roll < 0.85 ? "MODIFY" : "REMOVE";
      const key = kind === "INSERT" ? `m${String(seq).padStart(6, "0")}` : known[Math.floor(this.random() * known.length)]!;
      const sentAt = room.items.get(key)?.sentAt;
      const message = kind === "REMOVE" ? null : { ...ITEM(key, seq, this.time.now), ...(sentAt && { sentAt }) };
      if (message) room.items.set(key, message);
      else room.items.delete(key);
      const at = new Date(this.time.now).toISOString();
      room.log.push({ seq, kind, key, message, eventId: `e${seq}`, at, traceId: null, truncated: false });
    }
    // The log has it some time before it is pushed.
    this.time.after(5 + this.random() * 100, () => this.#publish(id, first, room.head));
  }

  #publish(id: string, firstSeq: number, lastSeq: number): void {
    const { lost, doubled, late, torn, truncated } = this.mischief;
    const items = this.room(id)
      .log.slice(firstSeq - 1, lastSeq)
      .map((change) => (change.message && this.random() < truncated ? { ...change, message: null, truncated: true } : change));
    const data = { onMessages: { roomId: id, topic: `room:${id}`, firstSeq, lastSeq, items } };
    for (const one of this.started) {
      if (one.topic !== id || this.time.now < one.deafUntil || this.random() < lost) continue;
      const payload = this.random() < torn ? { data: { onMessages: null }, errors: [{ message: "torn" }] } : { data };
      const send = (): void => {
        if (this.started.has(one)) one.peer.send({ id: one.id, type: "data", payload });
      };
      if (this.random() < late) this.time.after(this.random() * 3000, send);
      else send();
      if (this.random() < doubled) this.time.after(this.random() * 2000, send);
    }
  }

  accept(peer: Peer, protocols: string[]): void {
    this.connects += 1;
    const header = JSON.parse(Buffer.from(protocols[1]!.slice("header-".length), "base64url").toString()) as Headers;
    let stopKa = (): void => undefined;
    const ka = (): void => {
      peer.send({ type: "ka" });
      stopKa = this.time.after(this.kaMs, ka);
    };
    peer.ended = () => {
      stopKa();
      for (const one of [...this.started]) if (one.peer === peer) this.started.delete(one);
    };
    peer.received = (frame) => {
      if (frame["type"] === "connection_init") {
        if (!this.#allows(header)) {
          peer.send({ payload: { errors: [{ ...UNAUTHORIZED, errorCode: 401 }] }, type: "connection_error" });
          return void this.time.after(500, () => peer.reset());
        }
        peer.send({ type: "connection_ack", payload: { connectionTimeoutMs: 300_000 } });
        ka();
      } else if (frame["type"] === "start") this.#start(peer, frame as unknown as StartFrame);
      else if (frame["type"] === "stop") {
        for (const one of [...this.started]) if (one.peer === peer && one.id === frame["id"]) this.started.delete(one);
        peer.send({ id: frame["id"], type: "complete" });
      }
    };
  }

  #start(peer: Peer, { id, payload }: StartFrame): void {
    const refuse = (error: object): void => peer.send({ id, type: "error", payload: { errors: [error] } });
    if (!this.#allows(payload.extensions.authorization)) return refuse(UNAUTHORIZED);
    if ([...this.started].filter((one) => one.peer === peer).length >= this.limit) {
      return peer.send({ id, type: "error", payload: { errors: { errorType: "MaxSubscriptionsReachedError", message: "Max" } } });
    }
    const { variables } = JSON.parse(payload.data) as { variables: { roomId: string } };
    const deafUntil = this.time.now + (this.random() < 0.3 ? this.random() * 3000 : 0);
    const topic = variables.roomId;
    this.started.add({ peer, id, topic, deafUntil, headAtAck: this.room(topic).head });
    peer.send({ id, type: "start_ack" });
  }

  request({ query, variables }: { query: string; variables: Record<string, unknown> }, headers: Headers): Answer {
    if (!this.#allows(headers)) return { status: 401, body: { errors: [UNAUTHORIZED] } };
    if (this.random() < 0.01) return { status: 200, body: { data: null, errors: [{ errorType: "TryAgain", message: "busy" }] } };
    const room = this.room(String(variables["roomId"]));
    if (query.includes("MessageHead")) return ok({ messageChanges: { headSeq: room.head } });
    if (query.includes("MessageChanges")) return ok({ messageChanges: this.#page(room, variables as unknown as PageOf) });
    if (query.includes("query Messages")) return ok({ messages: messagesOf(room, variables) });
    if (query.includes("userChanges")) {
      const { after } = variables as { after?: number };
      const page = { items: [], lastSeq: after ?? 0, headSeq: after ?? 0, resyncRequired: false };
      return ok({ userChanges: { topic: `user:${this.user}`, ...page } });
    }
    if (query.includes("query Me")) return ok({ me: null });
    if (query.includes("query Notices")) return ok({ notices: { items: [], nextToken: null } });
    return ok({ __typename: "Query" });
  }

  #page(room: Room, { roomId, after, limit }: PageOf) {
    const resyncRequired = after < room.expired || after > room.head;
    const items = resyncRequired ? [] : room.log.slice(after, after + Math.min(limit, 1 + Math.floor(this.random() * 400)));
    return { topic: `room:${roomId}`, items, lastSeq: items.at(-1)?.seq ?? after, headSeq: room.head, resyncRequired };
  }

  #allows(headers: Headers): boolean {
    return !this.checksTokens || Number(headers["Authorization"]) > this.time.now;
  }
}

type Headers = Record<string, string>;
interface StartFrame {
  id: string;
  payload: { data: string; extensions: { authorization: Headers } };
}
interface PageOf {
  roomId: string;
  after: number;
  limit: number;
}

const UNAUTHORIZED = { errorType: "UnauthorizedException", message: "You are not authorized to make this call." };
const ok = (data: object): Answer => ({ status: 200, body: { data } });

function messagesOf(room: Room, { limit, nextToken }: Record<string, unknown>) {
  const from = Number(nextToken ?? 0);
  const newestFirst = [...room.items.values()].sort((a, b) => (a.sentAt + a.id < b.sentAt + b.id ? 1 : -1));
  const items = newestFirst.slice(from, from + Number(limit));
  return { items, nextToken: from + items.length < newestFirst.length ? String(from + items.length) : null };
}
