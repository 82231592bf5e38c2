/** Cursors in a file, for programs in Node. */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import type { CursorStore } from "./cursors.js";
import { CursorsUnreadable } from "./errors.js";

/**
 * One file for all topics. It is written anew for each number, beside itself and then put in place: a program that is
 * killed leaves the old one or the new one. One process at a time.
 *
 * @throws CursorsUnreadable: the file is no file of cursors.
 */
export function fileCursors(path: string): CursorStore {
  let cursors: Record<string, number> | null = null;
  const all = (): Record<string, number> => (cursors ??= read(path));
  return {
    load: (topic) => (Object.hasOwn(all(), topic) ? all()[topic]! : null),
    save(topic, seq) {
      all()[topic] = seq;
      const beside = `${path}.new`;
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(beside, JSON.stringify(cursors));
      renameSync(beside, path);
    },
  };
}

function read(path: string): Record<string, number> {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return Object.create(null) as Record<string, number>;
    throw new CursorsUnreadable(`${path}: ${(error as Error).message}`);
  }
  try {
    const found: unknown = JSON.parse(text);
    if (typeof found === "object" && found !== null && Object.values(found).every(Number.isInteger)) {
      return Object.assign(Object.create(null) as object, found) as Record<string, number>;
    }
  } catch {
    // said below
  }
  throw new CursorsUnreadable(`${path} is no file of cursors`);
}
