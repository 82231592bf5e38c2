/** Mutations: sent at once or queued, shown before they are answered, and typed errors when they fail. */

import { NotQueueable } from "./errors.js";
import type { TypedDocument } from "./generated/documents.js";
import type { Outbox } from "./outbox.js";
import type { Mutation, Optimistic, Outcome } from "./outbox-store.js";
import type { View } from "./view.js";

export interface MutateOptions {
  /** What feeds show until the answer comes. */
  optimistic?: Optimistic | readonly Optimistic[];
  /** Keep it until the server has answered, across disconnects and restarts, instead of failing. Needs an outbox. */
  queue?: boolean;
  /** Of what is queued, mutations of the same value are sent one after the other; others side by side. */
  ordering?: string;
}

/** A mutation's answer, when it comes. */
export interface Mutating<Data> extends Promise<Data> {
  /** Its `clientMutationId`; null where it has none. */
  readonly id: string | null;
  /** When it is safely queued; at once for one that is not to be queued. Throws OutboxFull when it cannot be. */
  readonly queued: Promise<void>;
}

type Variables = Readonly<Record<string, unknown>>;

interface Shown {
  readonly view: View<unknown>;
  changed(): void;
}

/** All mutations of a client, and the views that show what they are expected to do. */
export class Mutations {
  readonly #views = new Map<string, Set<Shown>>();
  /** What is under way, by id: for feeds that begin later. */
  readonly #underWay = new Map<string, readonly Optimistic[]>();

  constructor(
    private readonly send: (document: string, variables: Variables) => Promise<unknown>,
    private readonly outbox: Outbox | null,
  ) {
    outbox?.onAdded(({ id, optimistic }) => this.#show(id, optimistic));
    outbox?.onEnded(({ id }, outcome) => this.#end(id, outcome));
  }

  mutate<Data, V>(document: TypedDocument<Data, V>, variables: V, options: MutateOptions = {}): Mutating<Data> {
    const { queue = false } = options;
    const optimistic = [options.optimistic ?? []].flat();
    // A copy: what the caller does to its objects afterwards changes no repeat.
    const copy = JSON.parse(JSON.stringify(variables)) as Variables;
    const named = withId(document, copy, queue);
    const id = named.id ?? (queue ? null : newId());
    if (id === null)
      throw new NotQueueable("the document takes no $clientMutationId, nor an $input that could hold one");
    const { ordering = null } = options;
    const mutation: Mutation = { id, document, variables: named.variables, ordering, optimistic };
    const [queued, answer] = queue ? this.#queue(mutation) : [Promise.resolve(), this.#sendNow(mutation)];
    return Object.assign(answer as Promise<Data>, { id: named.id, queued });
  }

  /** Show in a view what is under way in its topic, from now on. */
  attach(topic: string, view: View<unknown>, changed: () => void): () => void {
    const shown = { view, changed };
    const views = this.#views.get(topic) ?? new Set();
    this.#views.set(topic, views.add(shown));
    for (const [id, optimistic] of this.#underWay) {
      optimistic.forEach((one, index) => {
        if (one.topic === topic) view.optimistic(`${id}/${index}`, one.key, one.item);
      });
    }
    return () => {
      views.delete(shown);
      if (views.size === 0) this.#views.delete(topic);
    };
  }

  #queue(mutation: Mutation): [Promise<void>, Promise<unknown>] {
    if (this.outbox === null) throw new NotQueueable("this client has no outbox: connect({ outbox })");
    this.#show(mutation.id, mutation.optimistic); // before it is safely kept: what the caller expects is seen at once
    const added = this.outbox.add(mutation);
    const queued = added.then(
      () => undefined,
      (error: unknown) => {
        this.#end(mutation.id, undefined);
        throw error;
      },
    );
    const answer = added.then(({ outcome }) => outcome);
    // Who only asks whether it is queued, or does not ask at all, is told of the end by the outbox.
    queued.catch(() => {});
    answer.catch(() => {});
    return [queued, answer];
  }

  async #sendNow({ id, document, variables, optimistic }: Mutation): Promise<unknown> {
    this.#show(id, optimistic);
    try {
      const data = await this.send(document, variables);
      this.#end(id, { data });
      return data;
    } catch (error) {
      this.#end(id, undefined);
      throw error;
    }
  }

  #show(id: string, optimistic: readonly Optimistic[]): void {
    if (optimistic.length === 0 || this.#underWay.has(id)) return;
    this.#underWay.set(id, optimistic);
    this.#each(id, optimistic, (view, name, { key, item }) => view.optimistic(name, key, item));
  }

  #end(id: string, outcome: Outcome | undefined): void {
    const optimistic = this.#underWay.get(id);
    if (optimistic === undefined) return;
    this.#underWay.delete(id);
    this.#each(id, optimistic, (view, name, one) => {
      if (!outcome || "error" in outcome) view.rollBack(name);
      else view.settle(name, ...answered(one, outcome.data));
    });
  }

  #each(
    id: string,
    optimistic: readonly Optimistic[],
    work: (view: View<unknown>, name: string, one: Optimistic) => void,
  ): void {
    optimistic.forEach((one, index) => {
      for (const { view, changed } of this.#views.get(one.topic) ?? []) {
        work(view, `${id}/${index}`, one);
        changed();
      }
    });
  }
}

/** The key of an expected item as the server has it, and the item with what the answer says of it. */
function answered({ key, item, answerKey = ["id"] }: Optimistic, data: unknown): [string | null, unknown?] {
  const [value] = Object.values(data ?? {}) as unknown[];
  if (item === null) return [data === undefined ? null : key];
  const at = (path: readonly (string | number)[]) =>
    path.reduce((found: unknown, step) => (found as Variables | null | undefined)?.[step], value);
  const found = at(answerKey);
  return typeof found === "string" ? [found, { ...item, ...(at(answerKey.slice(0, -1)) as object) }] : [null];
}

/** The variables with a `clientMutationId` where the document takes one; the caller's own if there is one already. */
function withId(document: string, variables: Variables, make: boolean): { id: string | null; variables: Variables } {
  const inInput = !/\$clientMutationId\s*:/.test(document);
  if (inInput && !/\$input\s*:/.test(document)) return { id: null, variables };
  const holder = (inInput ? variables["input"] : variables) as Variables;
  const id = (holder["clientMutationId"] as string | undefined) ?? (make ? newId() : null);
  if (id === null) return { id, variables };
  const named = { ...holder, clientMutationId: id };
  return { id, variables: inInput ? { ...variables, input: named } : named };
}

/** A random id. `crypto.randomUUID` is missing where a page is not served securely. */
export function newId(): string {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
