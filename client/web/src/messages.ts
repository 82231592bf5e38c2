/** Chat messages as they are sent, and as they are shown until the server has them. */
import type { Client } from "./client.js";
import { SEND_MESSAGE } from "./generated/documents.js";
import type { Message, SendMessageInput } from "./generated/types.js";
import { type Mutating, newId } from "./mutations.js";
import type { Optimistic } from "./outbox-store.js";

export interface SendOptions {
  /** The name to show; counts only for callers without an identity, such as an API key. */
  author?: string;
  /** When it was said, if that was elsewhere and earlier. */
  originalTime?: string;
  /** The same id again has no second effect and answers as the first time. */
  clientMutationId?: string;
  /** Put it into the outbox, behind what is queued for the room, and show it in the room's feeds. */
  queue?: boolean;
}

/** Sends a message, or queues it. */
export function send(
  client: Client,
  { queue = false, ...input }: SendMessageInput & SendOptions,
  now: number,
): Mutating<Message> {
  const options = queue ? { queue, ordering: `room:${input.roomId}`, optimistic: expected(input, now) } : {};
  const mutating = client.mutate(SEND_MESSAGE, { input }, options);
  const message = mutating.then(({ sendMessage }) => sendMessage!);
  if (queue) message.catch(() => {}); // whoever does not wait is told by the outbox
  return Object.assign(message, { id: mutating.id, queued: mutating.queued });
}

/** The message as it will be, but for what the server says: its id, its time and a signed-in author's name. */
function expected({ roomId, author, text, originalTime }: SendMessageInput, now: number): Optimistic {
  const key = `pending-${newId()}`;
  const item: Message = {
    id: key,
    roomId,
    author: author ?? "",
    text,
    sentAt: new Date(now).toISOString(),
    version: 0,
    originalTime: originalTime ?? null,
  };
  return { topic: `room:${roomId}`, key, item };
}
