// `node browser.js EXECUTABLE PROFILE`: the library in pages of headless Chromium. Each call names its page, which is
// opened when it is first named. All pages are of one origin, so that they share its storage; a profile keeps its origin.
import { createServer } from "node:http";
import { readFile, writeFile } from "node:fs/promises";
import { build } from "esbuild";
import { chromium } from "playwright-core";
import { emit, serve } from "./lines.js";

const [executablePath, profile] = process.argv.slice(2);
const { outputFiles } = await build({
  stdin: {
    contents: `import { indexedDBOutbox } from "headwater/indexeddb";
      import { calls } from "./calls.js";
      const told = (message) => globalThis.emitted(JSON.stringify(message));
      globalThis.answer = calls(indexedDBOutbox, told);`,
    resolveDir: import.meta.dirname,
  },
  bundle: true,
  write: false,
  logLevel: "error",
  format: "iife",
});
const site = createServer((request, response) => {
  const script = request.url === "/page.js";
  response.writeHead(200, { "content-type": script ? "text/javascript" : "text/html" });
  response.end(script ? outputFiles[0].text : '<!doctype html><meta charset="utf-8"><script src="/page.js"></script>');
});
const portFile = `${profile}.port`;
const port = Number(await readFile(portFile, "utf8").catch(() => "0"));
await new Promise((listening) => site.listen(port, "127.0.0.1", listening));
await writeFile(portFile, String(site.address().port));
const ORIGIN = `http://localhost:${site.address().port}`; // a secure context, as https is

const context = await chromium.launchPersistentContext(profile, {
  executablePath,
  chromiumSandbox: false,
  args: [
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
  ],
});
const pages = new Map();

function pageOf(name) {
  if (!pages.has(name)) pages.set(name, open(name));
  return pages.get(name);
}

async function open(name) {
  const page = await context.newPage();
  // Why a request was not sent is only on the console.
  page.on("console", (message) => console.error(name, message.text()));
  page.on("pageerror", (error) => console.error(name, error.stack));
  // The loopback's requests: how often this page has asked the API.
  page.on("request", (request) => request.method() === "POST" && emit({ page: name, asked: request.postData() }));
  await page.exposeFunction("emitted", (message) => emit({ page: name, ...JSON.parse(message) }));
  await page.goto(`${ORIGIN}/`);
  return page;
}

// Of the browser itself, for a page or for all of them.
const controls = {
  offline: ({ offline }) => context.setOffline(offline),
  async closePage({ page }) {
    const closing = pages.get(page);
    pages.delete(page);
    await (await closing).close();
  },
  // The page's process ends at once, as when the system kills it.
  async crashPage({ page }) {
    const crashing = await pages.get(page);
    pages.delete(page);
    const session = await context.newCDPSession(crashing);
    const crashed = new Promise((resolve) => crashing.once("crash", resolve));
    session.send("Page.crash").catch(() => {});
    await crashed;
    await crashing.close();
  },
};

await serve(async ({ page, call, argument }) => {
  if (call in controls) return { value: (await controls[call]({ page, ...argument })) ?? null };
  return (await pageOf(page)).evaluate(([call, argument]) => globalThis.answer(call, argument), [call, argument]);
});
await context.close();
process.exit();
