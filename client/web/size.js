// `npm run size`: what a browser loads for `import { ... } from "headwater"`, minified and gzipped, without peers.
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

const MOST_BYTES = 15_000;

const { outputFiles } = await build({
  entryPoints: ["src/index.ts"],
  bundle: true,
  minify: true,
  format: "esm",
  platform: "browser",
  packages: "external",
  target: "es2022",
  write: false,
});
const [bundle] = outputFiles;
const bytes = gzipSync(bundle.contents, { level: 9 }).length;
console.log(`${bytes} of at most ${MOST_BYTES} bytes, gzipped (${bundle.contents.length} minified)`);
if (bytes >= MOST_BYTES) process.exitCode = 1;
