// `npm test [-- NAME...]`: the unit tests, bundled one by one and run by Node's own runner. A NAME is a file of tests/
// without `.test.ts`.
import { spawn } from "node:child_process";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { build } from "esbuild";

const names = process.argv.slice(2);
const tests = (await readdir("tests"))
  .filter((file) => file.endsWith(".test.ts"))
  .filter((file) => names.length === 0 || names.includes(file.replace(".test.ts", "")));
if (tests.length === 0) throw new Error(`no tests of the name ${names.join(", ")}`);

// Beside the sources, so that imports of packages are found.
const folder = await mkdtemp("node_modules/.tests-");
try {
  await build({
    entryPoints: tests.map((file) => join("tests", file)),
    outdir: folder,
    outExtension: { ".js": ".mjs" },
    bundle: true,
    format: "esm",
    platform: "node",
    packages: "external",
    target: "node20",
    sourcemap: "inline",
    logLevel: "warning",
  });
  const files = tests.map((file) => join(folder, file.replace(/\.ts$/, ".mjs")));
  const runner = spawn(process.execPath, ["--enable-source-maps", "--test", "--test-timeout=400000", ...files], { stdio: "inherit" });
  process.exitCode = await new Promise((resolve) => runner.on("close", resolve));
} finally {
  await rm(folder, { recursive: true, force: true });
}
