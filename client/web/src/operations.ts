/** Every stored operation, typed, and the types of the schema: what `query` and `mutate` take. */
export * from "./generated/documents.js";
export type * from "./generated/types.js";
