/** The simulation is able to fail: each of these ways to break the client is found by it. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { basename, join } from "node:path";
import { test } from "node:test";
import { build } from "esbuild";

interface Mutant {
  what: string;
  file: string;
  from: string;
  to: string;
  /** What makes days in which it shows. */
  tale?: object;
}

const MUTANTS: Mutant[] = [
  {
    what: "takes a jump in the numbers for no hole",
    file: "sequence.ts",
    from: "if (change.seq === this.#position + 1) {",
    to: "if (change.seq > this.#position) {",
  },
  {
    what: "hands out the pointer to a large item as the change",
    file: "sequence.ts",
    from: 'if (change.truncated && change.source === "push") continue;',
    to: "",
  },
  {
    what: "does not read the log after a reconnect",
    file: "feed.ts",
    from: "  async #acknowledged(gap: boolean): Promise<void> {",
    to: "  async #acknowledged(gap: boolean): Promise<void> {\n    if (this.#sequence) return;",
  },
  {
    what: "does not look at the log in silence",
    file: "feed.ts",
    from: "const SILENCE_MS = 60_000;",
    to: "const SILENCE_MS = 60_000_000;",
  },
  {
    what: "forgets to tell the reader of a resync",
    file: "feed.ts",
    from: "if (lost) this.#outlet.put([this.#resync(position!)]);",
    to: "if (lost) this.#outlet.begin(position!);",
    tale: { resyncs: true },
  },
  {
    what: "saves a cursor before the change was handled",
    file: "feed.ts",
    from: '        this.#handedOut = value.kind === "RESYNC" ? value.position : value.seq;',
    to: '        this.#handedOut = value.kind === "RESYNC" ? value.position : value.seq;\n        await this.#save();',
  },
  {
    what: "loses what a slow reader has not taken",
    file: "outlet.ts",
    from: "        this.#behind = true;\n        continue;",
    to: "        this.#last = item.seq;\n        continue;",
    tale: { slow: true },
  },
  {
    what: "does not doubt a connection after sleep",
    file: "realtime.ts",
    from: "    this.#each((line) => line.doubt());\n    this.#each((line) => line.prove());",
    to: "",
    tale: { tokens: false },
  },
  {
    what: "does not notice silence",
    file: "connection.ts",
    from: "      this.#events.silent();",
    to: "",
  },
  {
    what: "lets the next connection of before a sleep count",
    file: "line.ts",
    from: "    const next = this.#next;\n    this.#next = null;\n    next?.connection?.close();",
    to: "    const next = null;",
    tale: { tokens: true },
  },
  {
    what: "calls a doubted connection live",
    file: "line.ts",
    from: "if (bearing.some((carrier) => !carrier!.doubted)) return \"up\";",
    to: "if (bearing.length > 0) return \"up\";",
  },
];

for (const mutant of MUTANTS) {
  test(`finds a client that ${mutant.what}`, async () => {
    const folder = mkdtempSync("node_modules/.mutant-");
    try {
      const outfile = join(folder, "simulation.mjs");
      let applied = false;
      await build({
        entryPoints: ["tests/simulation.test.ts"],
        outfile,
        bundle: true,
        format: "esm",
        platform: "node",
        packages: "external",
        target: "node20",
        plugins: [
          {
            name: "mutant",
            setup({ onLoad }) {
              onLoad({ filter: /src.[\w.-]+\.ts$/ }, ({ path }) => {
                const text = readFileSync(path, "utf8");
                if (basename(path) !== mutant.file) return { contents: text, loader: "ts" };
                applied = text.includes(mutant.from);
                return { contents: text.replace(mutant.from, () => mutant.to), loader: "ts" };
              });
            },
          },
        ],
      });
      assert.ok(applied, `${mutant.file} has no ${JSON.stringify(mutant.from)}`);
      const env = { ...process.env, SEEDS: "1..100", TALE: JSON.stringify(mutant.tale ?? {}), NODE_TEST_CONTEXT: "" };
      const { status, stdout } = spawnSync(process.execPath, [outfile], { env, encoding: "utf8", timeout: 120_000 });
      assert.notEqual(status, 0, "it was not found");
      assert.match(stdout, /seed \d+/, stdout);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
}
