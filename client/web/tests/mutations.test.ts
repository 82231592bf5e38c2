import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { failure, InvalidInput, NotQueueable, OutboxFull, Unreachable } from "../src/errors.js";
import { RESIGN_MEMBERSHIP, SEND_MESSAGE, SEND_MESSAGES, UPDATE_PROFILE } from "../src/generated/documents.js";
import { Mutations, newId } from "../src/mutations.js";
import { Outbox } from "../src/outbox.js";
import { memoryOutbox, Shelf } from "../src/outbox-memory.js";
import { View } from "../src/view.js";

type Answer = (variables: Record<string, unknown>) => unknown;

interface Note {
  id: string;
  text: string;
  author?: string;
}

const never = (): Promise<never> => new Promise(() => {});
const hello = { input: { roomId: "lobby", text: "hello" } };
const shown = { topic: "room:lobby", key: "made-up", item: { id: "made-up", text: "hello" } };

const outboxes: Outbox[] = [];
afterEach(() => Promise.all(outboxes.map((outbox) => outbox.close())));

function mutationsOf(answer: Answer, shelf?: Shelf, limit = 10): Mutations {
  const outbox = shelf ? new Outbox(memoryOutbox(shelf), async ({ variables }) => answer(variables), { limit }) : null;
  if (outbox) outboxes.push(outbox);
  return new Mutations(async (_document, variables) => answer(variables), outbox);
}

function lobby(mutations: Mutations): View<Note> {
  const view = new View<Note>();
  mutations.attach("room:lobby", view as View<unknown>, () => {});
  return view;
}

test("a mutation is sent as it is, at once, and answers its data", async () => {
  const mutations = mutationsOf((variables) => ({ sendMessage: { id: "1", text: "hello", variables } }));
  const mutating = mutations.mutate(SEND_MESSAGE, hello);
  assert.equal(mutating.id, null);
  await mutating.queued;
  assert.deepEqual((await mutating).sendMessage, { id: "1", text: "hello", variables: hello });
});

test("a queued mutation gets a clientMutationId where its document takes one, and keeps the caller's own", async () => {
  const sent: Record<string, unknown>[] = [];
  const mutations = mutationsOf((variables) => void sent.push(variables), new Shelf());
  const inInput = mutations.mutate(SEND_MESSAGE, hello, { queue: true, ordering: "x" });
  const asVariable = mutations.mutate(RESIGN_MEMBERSHIP, { roomId: "private:1" }, { queue: true, ordering: "x" });
  const own = { input: { ...hello.input, clientMutationId: "mine" } };
  const given = mutations.mutate(SEND_MESSAGE, own, { queue: true, ordering: "x" });
  assert.equal(given.id, "mine");
  await Promise.all([inInput, asVariable, given]);
  assert.deepEqual(sent, [
    { input: { ...hello.input, clientMutationId: inInput.id } },
    { roomId: "private:1", clientMutationId: asVariable.id },
    own,
  ]);
  assert.notEqual(inInput.id, asVariable.id);
  assert.deepEqual(hello, { input: { roomId: "lobby", text: "hello" } });
});

test("what the server could not know again is not queued", () => {
  const document = "mutation { tick }" as typeof SEND_MESSAGE;
  assert.throws(() => mutationsOf(never, new Shelf()).mutate(document, hello, { queue: true }), NotQueueable);
  assert.throws(() => mutationsOf(never).mutate(SEND_MESSAGE, hello, { queue: true }), /connect\(\{ outbox \}\)/);
});

test("what is expected is shown at once, and the answer's item in its place, until the change comes", async () => {
  let answer!: (data: unknown) => void;
  const mutations = mutationsOf(() => new Promise((resolve) => (answer = resolve)));
  const view = lobby(mutations);
  const mutating = mutations.mutate(SEND_MESSAGE, hello, { optimistic: shown });
  assert.deepEqual([...view.items.values()], [shown.item]);
  assert.deepEqual([...view.pending], ["made-up"]);
  answer({ sendMessage: { id: "01J", author: "ada" } });
  await mutating;
  assert.deepEqual([...view.items], [["01J", { id: "01J", text: "hello", author: "ada" }]]);
  assert.equal(view.pending.size, 0);
  view.apply({ kind: "INSERT", key: "01J", item: { id: "01J", text: "hello!", author: "ada" } });
  assert.deepEqual(
    [...view.items.values()].map(({ text }) => text),
    ["hello!"],
  );
});

test("a failure rolls back and throws its typed error", async () => {
  const mutations = mutationsOf(() => Promise.reject(failure([{ errorType: "InvalidInput", message: "too long" }])));
  const view = lobby(mutations);
  await assert.rejects(mutations.mutate(SEND_MESSAGE, hello, { optimistic: shown }), InvalidInput);
  assert.equal(view.items.size, 0);
});

test("a queued one stays shown while the server cannot be reached; without the queue it is rolled back", async () => {
  const mutations = mutationsOf(() => Promise.reject(new Unreachable("cut")), new Shelf());
  const view = lobby(mutations);
  await mutations.mutate(SEND_MESSAGE, hello, { optimistic: shown, queue: true }).queued;
  await assert.rejects(mutations.mutate(SEND_MESSAGE, hello, { optimistic: { ...shown, key: "other" } }), Unreachable);
  assert.deepEqual([...view.items.keys()], ["made-up"]);
});

test("of a full outbox the mutation and what it showed are gone, and both promises say so", async () => {
  const mutations = mutationsOf(never, new Shelf(), 1);
  const view = lobby(mutations);
  await mutations.mutate(SEND_MESSAGE, hello, { queue: true }).queued;
  const refused = mutations.mutate(SEND_MESSAGE, hello, { optimistic: shown, queue: true });
  assert.equal(view.items.size, 1);
  await assert.rejects(refused.queued, OutboxFull);
  await assert.rejects(refused, OutboxFull);
  assert.equal(view.items.size, 0);
});

test("a feed that begins later, also after a restart, shows what is under way", async () => {
  const shelf = new Shelf();
  const before = mutationsOf(never, shelf);
  await before.mutate(SEND_MESSAGE, hello, { optimistic: shown, queue: true }).queued;
  const views = [lobby(before)];
  const after = mutationsOf(never, shelf);
  views.push(lobby(after));
  await new Promise((later) => setTimeout(later, 5));
  for (const view of views) assert.deepEqual([...view.items.keys()], ["made-up"]);
});

test("several items of one mutation, by the keys of its answer", async () => {
  const texts = ["one", "two"];
  const data = { sendMessages: { messages: texts.map((text, index) => ({ id: `server-${index}`, text })) } };
  const mutations = mutationsOf(async () => data);
  const view = lobby(mutations);
  const optimistic = texts.map((text, index) => ({
    topic: "room:lobby",
    key: `made-up-${index}`,
    item: { id: `made-up-${index}`, text },
    answerKey: ["messages", index, "id"],
  }));
  const variables = { input: { roomId: "lobby", messages: texts.map((text) => ({ text })) } };
  await mutations.mutate(SEND_MESSAGES, variables, { optimistic });
  assert.deepEqual([...view.items.keys()], ["server-0", "server-1"]);
});

test("an answer without the key ends what was shown; a removal keeps its own key", async () => {
  const mutations = mutationsOf(async () => ({ signOut: null }));
  const view = lobby(mutations);
  view.replace([["a", { id: "a", text: "A" }]]);
  await mutations.mutate(SEND_MESSAGE, hello, { optimistic: shown });
  await mutations.mutate(SEND_MESSAGE, hello, { optimistic: { topic: "room:lobby", key: "a", item: null } });
  assert.deepEqual([...view.items.keys()], []);
  view.apply({ kind: "REMOVE", key: "a", item: null });
  view.apply({ kind: "INSERT", key: "a", item: { id: "a", text: "again" } });
  assert.deepEqual([...view.items.keys()], ["a"]);
});

test("what the caller does to its variables afterwards is not sent", async () => {
  const sent: unknown[] = [];
  const mutations = mutationsOf((variables) => void sent.push(variables), new Shelf());
  const input = { displayName: "Ada" };
  const mutating = mutations.mutate(UPDATE_PROFILE, { input }, { queue: true });
  input.displayName = "changed";
  await mutating;
  assert.deepEqual(sent, [{ input: { displayName: "Ada", clientMutationId: mutating.id } }]);
});

test("ids are 128 random bits", () => {
  const ids = new Set(Array.from({ length: 1000 }, newId));
  assert.equal(ids.size, 1000);
  for (const id of ids) assert.match(id, /^[0-9a-f]{32}$/);
});
