export * from "./backoff.js";
export * from "./errors.js";
export { View } from "./view.js";
