/** Cursors in a file, for programs in Node. */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import type { CursorStore } from "./cursors.js";
import { CursorsUnreadable } from "./errors.js";

/**
 * One file for all topics. It is written anew for each number, beside itself and then put in place: a program that is
 * killed leaves the old one or the new one. One process at a time, which may have several of these on it.
 *
 * @throws CursorsUnreadable: the file is no file of cursors.
 */
export function fileCursors(path: string): CursorStore {
  return {
    load: (topic) => read(path)[topic] ?? null,
    save(topic, seq) {
      // Read anew: another feed of the program may keep its cursor here, too.
      const cursors = { ...read(path), [topic]: seq };
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
    const isCursor = (seq: unknown): boolean => Number.isInteger(seq) && (seq as number) >= 0;
    if (typeof found === "object" && found && !Array.isArray(found) && Object.values(found).every(isCursor)) {
      return Object.assign(Object.create(null) as object, found) as Record<string, number>;
    }
  } catch {
    // said below
  }
  throw new CursorsUnreadable(`${path} is no file of cursors`);
}
