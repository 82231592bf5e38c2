/**
 * Everything that the client throws, by the same names as in the Python client and in docs/errors.md.
 *
 *     HeadwaterError
 *     |- NoEndpoint                 nothing says where the API is
 *     |- UnknownTopic               there is no such kind of topic
 *     |- Unreachable                the server cannot be reached, or hung up
 *     |  `- NoCredentials           whoever gives tokens has failed; it is asked again
 *     |- UnexpectedAnswer           what the API answered is not as the schema says
 *     |- CursorsUnreadable          the store of cursors cannot be read or written
 *     |- MissingChanges             the change log has a hole that does not close
 *     |- NotQueueable               a mutation that the server could not know again
 *     |- OutboxFull                 the offline queue holds as many mutations as it may
 *     |- OutboxLocked               another process uses the offline queue
 *     |- OutboxUnusable             the offline queue cannot be read or written
 *     |- OutboxExpired              a queued mutation may have been applied too long ago to be sent again
 *     `- GraphQLFailure             the API answered with errors; its subclasses are the `errorType`s of docs/errors.md
 *        |- InvalidInput  InvalidPageToken  IdempotencyConflict  VersionConflict  NotFound
 *        `- TakenOver  Unauthorized  TooManyRequests  TryAgain  Internal
 *
 * An `errorType` without a class here is a plain `GraphQLFailure`, whose `type` tells it.
 */

/** An entry of a response's `errors`, as AppSync writes it. */
export interface WireError {
  readonly message?: string;
  readonly errorType?: string | null;
  readonly errorInfo?: unknown;
  readonly data?: unknown;
  readonly path?: readonly (string | number)[] | null;
  /** Of a `connection_error` frame: an HTTP status. */
  readonly errorCode?: number;
}

/** Any failure of this client. */
export class HeadwaterError extends Error {
  // A minifier renames classes; what people and programs read stays.
  override readonly name: string = "HeadwaterError";
}

/** Neither the options nor an `outputs.json` say where the API is. */
export class NoEndpoint extends HeadwaterError {
  override readonly name = "NoEndpoint";
}

/** The name of a topic is of no kind that there is, or has an id where none belongs, or none. */
export class UnknownTopic extends HeadwaterError {
  override readonly name = "UnknownTopic";
}

/** The server cannot be reached, did not answer in time, or closed the connection. */
export class Unreachable extends HeadwaterError {
  override readonly name: string = "Unreachable";
}

/** The caller's function that gives tokens has failed. It is asked again later. */
export class NoCredentials extends Unreachable {
  override readonly name = "NoCredentials";
}

/** What the API answered is not as the schema of this client says. */
export class UnexpectedAnswer extends HeadwaterError {
  override readonly name = "UnexpectedAnswer";
}

/** Where cursors are kept cannot be read or written. To begin anew would leave changes out: that is for the caller to say. */
export class CursorsUnreadable extends HeadwaterError {
  override readonly name = "CursorsUnreadable";
}

/** The change log keeps answering without the change that follows `after`, though a later one has arrived. */
export class MissingChanges extends HeadwaterError {
  override readonly name = "MissingChanges";

  constructor(readonly after: number) {
    super(`the change log has no entry ${after + 1}, though later ones exist; resume after ${after}`);
  }
}

/**
 * A mutation cannot be queued: there is no outbox, it takes no `clientMutationId` by which the server would know a
 * repeat, or its id is that of another one in the queue.
 */
export class NotQueueable extends HeadwaterError {
  override readonly name = "NotQueueable";
}

/** The offline queue holds as many mutations as it may; nothing was queued. */
export class OutboxFull extends HeadwaterError {
  override readonly name = "OutboxFull";
}

/** Another process, or another client of this one, has the offline queue open. */
export class OutboxLocked extends HeadwaterError {
  override readonly name = "OutboxLocked";
}

/** The offline queue cannot be read or written; `cause` is what the browser or the disk said. */
export class OutboxUnusable extends HeadwaterError {
  override readonly name = "OutboxUnusable";
}

/**
 * A queued mutation was sent, nobody knows whether it was applied, and by now the server may have forgotten its
 * `clientMutationId`: sent again it might be applied twice. Read the state and decide anew.
 */
export class OutboxExpired extends HeadwaterError {
  override readonly name = "OutboxExpired";

  /** @param id the mutation's `clientMutationId`. */
  constructor(readonly id: string) {
    super(`the mutation ${id} was sent too long ago to be sent again, and nobody knows whether it was applied`);
  }
}

/** The API answered with errors. Type, info and path are those of the first. */
export class GraphQLFailure extends HeadwaterError {
  override readonly name: string = "GraphQLFailure";
  /** The `errorType`; null where AppSync gives none (a document that does not validate). */
  readonly type: string | null;
  readonly info: unknown;
  readonly path: readonly (string | number)[] | null;

  constructor(
    readonly errors: readonly WireError[],
    /** The partial result, where there is one. */
    readonly data: unknown = null,
  ) {
    const [first = {}, ...more] = errors;
    const message = first.message || first.errorType || "the API answered with an error";
    super(more.length ? `${message} (and ${more.length} more)` : message);
    this.type = first.errorType ?? null;
    this.info = first.errorInfo ?? null;
    this.path = first.path ?? null;
  }
}

/** An argument breaks a documented rule; `info.field` names it as the schema does. */
export class InvalidInput extends GraphQLFailure {
  override readonly name = "InvalidInput";
}

/** The `nextToken` is broken, or of another list. */
export class InvalidPageToken extends GraphQLFailure {
  override readonly name = "InvalidPageToken";
}

/** The `clientMutationId` was already used with another input. */
export class IdempotencyConflict extends GraphQLFailure {
  override readonly name = "IdempotencyConflict";
}

/** The item was changed since the version that the call named; `info.version` is the present one. */
export class VersionConflict extends GraphQLFailure {
  override readonly name = "VersionConflict";

  /** The item as the server has it, when the API gave it; else null. */
  get current(): unknown {
    return this.errors[0]?.data ?? null;
  }
}

/** There is nothing of the id that `info.field` names. */
export class NotFound extends GraphQLFailure {
  override readonly name = "NotFound";
}

/** There are fewer pieces than were asked for; `info.lines` says of which, and how many there are. */
export class OutOfStock extends GraphQLFailure {
  override readonly name = "OutOfStock";
}

/** It costs something else than the total that the call named; `info.total` is what it costs. */
export class PriceChanged extends GraphQLFailure {
  override readonly name = "PriceChanged";
}

/** The client's id was registered again since this lease was given: another connection has it. */
export class TakenOver extends GraphQLFailure {
  override readonly name = "TakenOver";
}

/** The caller may not do this, or its credentials are not valid. */
export class Unauthorized extends GraphQLFailure {
  override readonly name = "Unauthorized";
}

/** The caller has had its mutations for now: the next one in `info.retryAfterMs` at the earliest. */
export class TooManyRequests extends GraphQLFailure {
  override readonly name = "TooManyRequests";
}

/** The server was too busy and stored nothing. */
export class TryAgain extends GraphQLFailure {
  override readonly name = "TryAgain";
}

/** A defect of the server. */
export class Internal extends GraphQLFailure {
  override readonly name = "Internal";
}

const BY_TYPE: Readonly<Record<string, typeof GraphQLFailure>> = {
  InvalidInput,
  InvalidPageToken,
  IdempotencyConflict,
  VersionConflict,
  NotFound,
  OutOfStock,
  PriceChanged,
  TakenOver,
  Unauthorized,
  TooManyRequests,
  TryAgain,
  Internal,
  // AppSync's own name for refused credentials (HTTP 401, connection_error).
  UnauthorizedException: Unauthorized,
};

// What AppSync and the services behind it answer under load or while failing: the same call may succeed later.
const TRANSIENT: ReadonlySet<string | null> = new Set([
  "TryAgain",
  "TooManyRequests",
  "TooManyRequestsException",
  "ThrottlingException",
  "LimitExceededError",
  "InternalFailure",
  "InternalFailureException",
  "ExecutionTimeout",
  "Lambda:ExecutionTimeoutException",
  "Lambda:TooManyRequestsException",
]);

/** The typed error for a response's `errors`: a list, or one object as AppSync sends in some frames. */
export function failure(errors: unknown, data: unknown = null): GraphQLFailure {
  const listed = (Array.isArray(errors) ? errors : [errors]).map((error: unknown): WireError =>
    typeof error === "object" && error !== null ? error : { message: String(error) },
  );
  // AppSync has been seen to write `com.amazonaws.deepdish.graphql.auth#UnauthorizedException`.
  const type = listed[0]?.errorType?.split("#").at(-1) ?? "";
  // Own members only: an `errorType` of "constructor" is no class of ours.
  const kind = Object.hasOwn(BY_TYPE, type) ? BY_TYPE[type]! : GraphQLFailure;
  return new kind(listed, data);
}

/** Whether the same call may succeed later without anything being changed. */
export function isTransient(error: unknown): boolean {
  if (!(error instanceof GraphQLFailure)) return error instanceof Unreachable;
  const code = error.errors[0]?.errorCode;
  return TRANSIENT.has(error.type) || (typeof code === "number" && (code === 429 || code >= 500));
}
