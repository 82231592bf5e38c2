import { HeadwaterError } from "./errors.js";

/** What callers and platforms may throw, which is anything, as an error of ours: of `Kind` unless it is one. */
export function typed(error: unknown, Kind: new (message: string, options: ErrorOptions) => HeadwaterError): HeadwaterError {
  return error instanceof HeadwaterError ? error : new Kind(String(error), { cause: error });
}
