/** An outbox in a directory, for programs in Node: a journal, and a lock that keeps a second process out. */

import { randomUUID } from "node:crypto";
import { link, mkdir, open, readFile, rename, rm, unlink, writeFile, type FileHandle } from "node:fs/promises";
import { dirname, join } from "node:path";

import { OutboxLocked } from "./errors.js";
import { BEGINNING, header, HEADER_LENGTH, lines as journalLines, promise, read } from "./journal.js";
import { type Entry, full, type OutboxStore } from "./outbox-store.js";

/** What a line of the journal says: an entry as it is from now on, or the number of one that is gone. */
type Line = { readonly put: Entry } | { readonly removed: number };

/** How many lines of ended entries the journal holds at most before it is written anew. */
const MOST_DEAD_LINES = 5000;

/**
 * @param directory made when it is not there; one for each user, so that nobody sends what another has queued.
 *
 * While another process uses it, whatever is asked of it throws OutboxLocked. The lock of a process that was killed is
 * not in the way. Of a damaged journal all throws OutboxUnusable, and it stays as it is.
 */
export function fileOutbox(directory: string): OutboxStore {
  let opened: Promise<Journal> | undefined;
  const journal = () => (opened ??= Journal.open(directory));
  return {
    entries: async () => [...(await journal()).entries.values()],
    add: async (entry, limit) => (await journal()).add(entry, limit),
    put: async (entry) => (await journal()).put(entry),
    remove: async (entry) => (await journal()).remove(entry),
    alone: (work, closing) => work(closing),
    tell() {},
    listen: () => () => {},
    async close() {
      await opened?.then(
        (found) => found.close(),
        () => {},
      );
    },
  };
}

class Journal {
  readonly entries = new Map<number, Entry>();
  readonly #path: string;
  readonly #unlock: () => Promise<void>;
  #file!: FileHandle;
  #number = 0;
  #lines = 0;
  #length = 0;
  #sum = BEGINNING;
  #promises = 0;
  /** Lines that are not written yet, and the write that will take them. */
  #waiting: Line[] = [];
  #next: Promise<void> | undefined;
  #last: Promise<void> = Promise.resolve();

  private constructor(directory: string, unlock: () => Promise<void>) {
    this.#path = join(directory, "journal");
    this.#unlock = unlock;
  }

  static async open(directory: string): Promise<Journal> {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    const journal = new Journal(directory, await lock(directory));
    try {
      await journal.#load();
      return journal;
    } catch (error) {
      await journal.#unlock();
      throw error;
    }
  }

  async add(entry: Omit<Entry, "number">, limit: number): Promise<Entry> {
    const known = [...this.entries.values()].find(({ id }) => id === entry.id);
    if (known) return known;
    if (this.entries.size >= limit) throw full(limit);
    const added: Entry = { ...entry, number: (this.#number += 1) };
    try {
      await this.put(added);
    } catch (error) {
      this.entries.delete(added.number);
      throw error;
    }
    return added;
  }

  async put(entry: Entry): Promise<void> {
    this.entries.set(entry.number, entry);
    await this.#write({ put: entry });
  }

  async remove({ number }: Entry): Promise<void> {
    this.entries.delete(number);
    await this.#write({ removed: number });
  }

  async close(): Promise<void> {
    await (this.#next ?? this.#last).catch(() => {});
    await this.#file.close();
    await this.#unlock();
  }

  async #load(): Promise<void> {
    const journal = await readFile(this.#path).catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return null;
      throw error;
    });
    if (journal) for (const line of read(journal, this.#path)) this.#take(line as Line);
    await this.#writeAnew();
  }

  #take(line: Line): void {
    if ("removed" in line) {
      this.entries.delete(line.removed);
    } else {
      this.entries.set(line.put.number, line.put);
      this.#number = Math.max(this.#number, line.put.number);
    }
  }

  /** Returns when the line is on disk. What comes while the disk is busy is written together. */
  #write(line: Line): Promise<void> {
    this.#waiting.push(line);
    this.#next ??= this.#last.catch(() => {}).then(() => this.#flush());
    return this.#next;
  }

  #flush(): Promise<void> {
    const lines = this.#waiting;
    this.#waiting = [];
    this.#last = this.#next!;
    this.#next = undefined;
    return this.#append(lines);
  }

  async #append(lines: readonly Line[]): Promise<void> {
    this.#lines += lines.length;
    if (this.#lines > this.entries.size + MOST_DEAD_LINES) return this.#writeAnew();
    try {
      const { bytes, sum } = journalLines(lines, this.#sum);
      await writeAt(this.#file, bytes, this.#length);
      await this.#file.datasync();
      this.#length += bytes.length;
      this.#sum = sum;
      const promised = promise(this.#length, (this.#promises += 1));
      await writeAt(this.#file, promised.bytes, promised.at);
    } catch (error) {
      this.#lines = Infinity; // a line may be there in part, behind which none may follow
      throw error;
    }
  }

  /** Write what is there, and nothing else, to a new file in place of the old one. */
  async #writeAnew(): Promise<void> {
    const entries = [...this.entries.values()].map((put): Line => ({ put }));
    const { bytes, sum } = journalLines(entries, BEGINNING);
    const length = HEADER_LENGTH + bytes.length;
    const file = await open(`${this.#path}.new`, "w", 0o600);
    await writeAt(file, Buffer.concat([header(length), bytes]), 0);
    await file.sync();
    await rename(`${this.#path}.new`, this.#path);
    await syncDirectory(dirname(this.#path));
    await (this.#file as FileHandle | undefined)?.close();
    this.#file = file;
    this.#lines = entries.length;
    this.#length = length;
    this.#sum = sum;
  }
}

async function writeAt(file: FileHandle, bytes: Buffer, at: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    done += (await file.write(bytes, done, bytes.length - done, at + done)).bytesWritten;
  }
}

/** Makes a new name in a directory last, where the system can (Windows cannot, and does not need it). */
async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, "r").catch(() => null);
  await handle?.sync().catch(() => {});
  await handle?.close();
}

interface Holder {
  readonly pid: number;
  /** Tells two processes of one id apart, where the system says when a process began. */
  readonly began: string | null;
  readonly token: string;
}

/** Takes the directory's lock, and answers what gives it back. */
async function lock(directory: string): Promise<() => Promise<void>> {
  const path = join(directory, "lock");
  const token = randomUUID();
  const own = join(directory, `lock.${token}`);
  const me: Holder = { pid: process.pid, began: await beginning(process.pid), token };
  await writeFile(own, JSON.stringify(me), { mode: 0o600 });
  try {
    for (;;) {
      // A link appears with its content, and only where there is none.
      if (await succeeds(link(own, path), "EEXIST")) break;
      const holder = await readFile(path, "utf8").catch(() => undefined);
      if (holder === undefined) continue; // given back just now
      if (await alive(holder)) throw new OutboxLocked(`another process uses the outbox in ${directory}`);
      await takeAway(path, holder, own);
    }
  } finally {
    await unlink(own);
  }
  return () => rm(path, { force: true });
}

/** Remove a dead process's lock. One at a time does so, lest it remove the lock of whoever came first. */
async function takeAway(path: string, dead: string, own: string): Promise<void> {
  const taking = `${path}.taking`;
  if (!(await succeeds(link(own, taking), "EEXIST"))) {
    const holder = await readFile(taking, "utf8").catch(() => undefined);
    if (holder !== undefined && !(await alive(holder))) await rm(taking, { force: true });
    return;
  }
  const holder = await readFile(path, "utf8").catch(() => undefined);
  if (holder === dead) await unlink(path);
  await unlink(taking);
}

async function alive(holder: string): Promise<boolean> {
  let found: Holder;
  try {
    found = JSON.parse(holder) as Holder;
    process.kill(found.pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM"; // there, and another user's
  }
  return found.began === null || found.began === (await beginning(found.pid));
}

/** When a process began, as Linux tells it; null elsewhere. Source: proc(5), field 22 of /proc/PID/stat. */
async function beginning(pid: number): Promise<string | null> {
  const line = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => null);
  // The second field is the program's name in parentheses, and may hold blanks and parentheses itself.
  return line?.slice(line.lastIndexOf(")") + 2).split(" ")[19] ?? null;
}

async function succeeds(work: Promise<unknown>, unless: string): Promise<boolean> {
  try {
    await work;
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === unless) return false;
    throw error;
  }
}
