// `node chromium.js ./amplify.js EXECUTABLE PROFILE`: a client library in a page of headless Chromium.
import { createServer } from "node:http";
import { build } from "esbuild";
import { chromium } from "playwright-core";
import { emit, serve } from "./lines.js";

const [library, executablePath, profile] = process.argv.slice(2);
const bundle = await build({
  stdin: {
    // AWS's subscription link for Apollo uses Node's Buffer, also in browsers.
    contents: `import { Buffer } from "buffer/";
      import { connect } from "${library}";
      import { calls } from "./calls.js";
      globalThis.Buffer = Buffer;
      globalThis.client = calls(connect, globalThis.emit);`,
    resolveDir: import.meta.dirname,
  },
  bundle: true,
  write: false,
  format: "iife",
  define: { "process.env.NODE_ENV": '"production"', global: "globalThis" },
});
const site = createServer((request, response) => {
  const script = request.url === "/page.js";
  response.writeHead(200, { "content-type": script ? "text/javascript" : "text/html" });
  response.end(script ? bundle.outputFiles[0].text : '<!doctype html><script src="/page.js"></script>');
});
await new Promise((listening) => site.listen(0, "127.0.0.1", listening));

const browser = await chromium.launchPersistentContext(profile, {
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
const page = await browser.newPage();
// Why a request was not sent is only on the console.
page.on("console", (message) => console.error(message.text()));
page.on("pageerror", (error) => console.error(error.stack));
await page.exposeFunction("emit", emit);
await page.goto(`http://localhost:${site.address().port}/`);
await serve((call, argument) =>
  page.evaluate(([call, argument]) => globalThis.client(call, argument), [call, argument]),
);
await browser.close();
process.exit();
