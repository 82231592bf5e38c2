import assert from "node:assert/strict";
import { test } from "node:test";
import { FIRST_MS, fullJitter, MOST_MS } from "../src/backoff.js";

test("waits anything between nothing and a ceiling that doubles", () => {
  assert.equal(fullJitter(0, () => 0), 0);
  assert.equal(fullJitter(0, () => 0.5), FIRST_MS / 2);
  assert.equal(fullJitter(3, () => 0.5), FIRST_MS * 4);
});

test("never waits longer than its most, however many attempts failed", () => {
  for (const attempt of [7, 30, 31, 5000]) assert.equal(fullJitter(attempt, () => 0.999_999) <= MOST_MS, true);
});
