/**
 * The file of an outbox in Node: lines to which others are appended, with what it takes to notice that some are not as
 * they were written, or not there.
 *
 * Each line begins with a checksum of itself and of all lines before it. Two places at the top say in turn up to where
 * the file has been promised to somebody: written after the lines are on disk, and before whoever waits is told. So what
 * is not in order before that place is damage, and what is not in order behind it was being written when the program
 * ended. Whole lines behind it count: the place at the top may have been lost with the power, the lines were on disk.
 */

import { createHash } from "node:crypto";

import { OutboxUnusable } from "./errors.js";

const TITLE = "headwater outbox 2\n";
const SUM_LENGTH = 16;
const LENGTH_DIGITS = 15;
const MARK_LENGTH = LENGTH_DIGITS + 1 + SUM_LENGTH + 1;
const NEWLINE = 10;

/** Bytes before the first line. */
export const HEADER_LENGTH = TITLE.length + 2 * MARK_LENGTH;

/** What the first line's checksum follows. */
export const BEGINNING = "";

/** The top of a file of which `length` bytes are promised. */
export function header(length: number): Buffer {
  return Buffer.from(TITLE + mark(length).repeat(2));
}

/** What is to be written, and where, to promise `length` bytes. `turn` is one more each time: one place stays whole. */
export function promise(length: number, turn: number): { readonly bytes: Buffer; readonly at: number } {
  return { bytes: Buffer.from(mark(length)), at: TITLE.length + (turn % 2) * MARK_LENGTH };
}

/** Lines for values, behind a line whose checksum is `sum`; and the checksum of the last of them. */
export function lines(values: readonly unknown[], sum: string): { readonly bytes: Buffer; readonly sum: string } {
  let written = "";
  for (const value of values) {
    const text = JSON.stringify(value);
    sum = checksum(sum, text);
    written += `${sum} ${text}\n`;
  }
  return { bytes: Buffer.from(written), sum };
}

/**
 * The values of all lines.
 *
 * @param name of the file, for errors.
 * @throws OutboxUnusable: it is no such file, or something that was promised is not there as it was written.
 */
export function read(file: Buffer, name: string): unknown[] {
  if (file.length === 0) throw new OutboxUnusable(`${name} is empty, and an outbox never is: it was cut off`);
  if (file.toString("latin1", 0, TITLE.length) !== TITLE) {
    throw new OutboxUnusable(`${name} is not an outbox of this version of the client, or is damaged`);
  }
  const promised = Math.max(...[0, 1].map((turn) => promisedBy(file, promise(0, turn).at)));
  if (promised === 0) throw new OutboxUnusable(`${name} is damaged: it does not say how long it is`);
  if (promised > file.length) throw new OutboxUnusable(`${name} is cut off: it had ${promised} bytes`);
  const values: unknown[] = [];
  let at = HEADER_LENGTH;
  let sum = BEGINNING;
  for (;;) {
    const end = file.indexOf(NEWLINE, at);
    if (end < 0) break;
    const text = file.subarray(at + SUM_LENGTH + 1, end);
    const next = checksum(sum, text);
    if (file.toString("latin1", at, at + SUM_LENGTH + 1) !== `${next} `) break;
    values.push(JSON.parse(text.toString()));
    sum = next;
    at = end + 1;
  }
  if (at < promised) {
    throw new OutboxUnusable(`${name} is damaged: of ${promised} bytes that were written, ${at} are as they were`);
  }
  return values;
}

function promisedBy(file: Buffer, at: number): number {
  const length = Number(file.toString("latin1", at, at + LENGTH_DIGITS));
  return file.toString("latin1", at, at + MARK_LENGTH) === mark(length) ? length : 0;
}

function mark(length: number): string {
  const digits = String(length).padStart(LENGTH_DIGITS, "0");
  return `${digits} ${checksum(BEGINNING, digits)}\n`;
}

function checksum(before: string, text: string | Buffer): string {
  return createHash("sha256").update(before).update(text).digest("hex").slice(0, SUM_LENGTH);
}
