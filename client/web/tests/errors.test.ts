import assert from "node:assert/strict";
import { test } from "node:test";
import * as errors from "../src/errors.js";

test("an errorType of the catalogue has its class", () => {
  for (const type of ["InvalidInput", "VersionConflict", "NotFound", "Unauthorized", "TryAgain", "Internal"] as const) {
    const error = errors.failure([{ errorType: type, message: "m", errorInfo: { field: "f" }, path: ["a", 0] }]);
    assert.ok(error instanceof errors[type]);
    assert.deepEqual([error.name, error.type, error.message, error.info, error.path], [type, type, "m", { field: "f" }, ["a", 0]]);
  }
  assert.ok(errors.failure([{ errorType: "UnauthorizedException" }]) instanceof errors.Unauthorized);
});

test("any other errorType, or none, is a plain failure", () => {
  for (const type of ["constructor", "toString", "DynamoDB:X", "", null]) {
    assert.equal(errors.failure([{ errorType: type }]).name, "GraphQLFailure");
  }
  assert.equal(errors.failure("boom").message, "boom");
  assert.equal(errors.failure([]).message, "the API answered with an error");
});

test("AppSync's single object in place of a list is taken too", () => {
  assert.equal(errors.failure({ errorType: "MaxSubscriptionsReachedError", message: "Max" }).type, "MaxSubscriptionsReachedError");
});

test("a version conflict has the server's image when the API gave it", () => {
  const conflict = errors.failure([{ errorType: "VersionConflict", data: { id: "1", version: 3 } }]);
  assert.deepEqual((conflict as errors.VersionConflict).current, { id: "1", version: 3 });
});

test("what may succeed later is transient, and nothing else", () => {
  const transient = [{ errorType: "TryAgain" }, { errorType: "TooManyRequests" }, { errorCode: 503 }, { errorCode: 429 }];
  for (const error of transient) assert.equal(errors.isTransient(errors.failure([error])), true);
  assert.equal(errors.isTransient(new errors.Unreachable("gone")), true);
  const lasting = [errors.failure([{ errorType: "NotFound" }]), new errors.MissingChanges(1), new TypeError("x"), null];
  for (const error of lasting) assert.equal(errors.isTransient(error), false);
});
