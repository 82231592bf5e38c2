// `npm run build`: the library as ES modules in dist/. What entries share is one file, so that a class is the same class
// in `headwater` and in `headwater/rxjs`. Peers and Node's own modules stay imports.
import { rm } from "node:fs/promises";
import { existsSync } from "node:fs";
import { build } from "esbuild";

export const ENTRIES = ["index", "index.node", "operations", "memory", "outbox", "indexeddb", "node", "iam", "presence", "rxjs", "amplify", "apollo"]
  .map((name) => `src/${name}.ts`)
  .filter((file) => existsSync(file));

await rm("dist", { recursive: true, force: true });
await build({
  entryPoints: ENTRIES,
  outdir: "dist",
  bundle: true,
  splitting: true,
  format: "esm",
  platform: "neutral",
  packages: "external",
  external: ["node:*"],
  target: "es2022",
  sourcemap: true,
});
