/** Cursors in a file. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileCursors } from "../src/cursors-file.js";
import { CursorsUnreadable } from "../src/errors.js";

const folder = mkdtempSync(join(tmpdir(), "cursors-"));
test.after(() => rmSync(folder, { recursive: true }));

test("feeds with stores of their own keep their cursors in one file", () => {
  const path = join(folder, "one", "cursors.json");
  const one = fileCursors(path);
  const other = fileCursors(path);
  assert.deepEqual([one.load("room:a"), other.load("room:b"), one.load("toString")], [null, null, null]);
  one.save("room:a", 1);
  other.save("room:b", 2);
  one.save("room:a", 3);
  assert.deepEqual([fileCursors(path).load("room:a"), one.load("room:b")], [3, 2]);
});

test("a file that holds something else is no beginning", () => {
  for (const content of ["", "{", "[]", "[1]", '{"t":"7"}', '{"t":null}', '{"t":-1}', '{"t":1.5}']) {
    const path = join(folder, "bad");
    writeFileSync(path, content);
    assert.throws(() => fileCursors(path).load("t"), CursorsUnreadable, content);
  }
  assert.throws(() => fileCursors(folder).load("t"), CursorsUnreadable);
});
