// One user of the TypeScript client behind a network that fails: the twin of subscriber.py.
//
//     node subscriber.mjs PACKAGE FOLDER STATE NAME TOPIC URL PYTHON [SECONDS]
import { execFile } from "node:child_process";
import { openSync, readFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";

const WINDOW_SECONDS = 8;
const LOOK_MS = 50;
const KEPT = 0.7; // of a token's life: then the application gets another
const VALUE_LENGTH = 100;
const FLUSH = "flush-";

const [folderOfPackage, folder, state, name, topic, url, python, life] = process.argv.slice(2);
const { connect, jwt } = await import(pathToFileURL(join(folderOfPackage, "dist", "index.node.js")).href);
const outputs = JSON.parse(readFileSync(join(state, "outputs.json"), "utf8"));

const now = () => Number(process.hrtime.bigint()); // of the same clock as Python's; exact to a microsecond
const records = (file) => {
  const opened = openSync(join(folder, file), "w");
  return (line) => writeSync(opened, `${JSON.stringify(line)}\n`);
};
const value = (item) => (item ? Array.from(item.text).slice(0, VALUE_LENGTH).join("") : null);

const callback = records(`callbacks-${name}.jsonl`);
const say = records(`states-${name}.jsonl`);
callback({ event: "subscribed", subscriber: name, topic: topic.slice(topic.indexOf(":") + 1), from: "now" });
say({ subscriber: name, window: WINDOW_SECONDS });

let kept = { token: "", until: 0 };
const token = async () => {
  if (Date.now() < kept.until) return kept.token;
  const asked = Date.now();
  const environment = { ...process.env, HEADWATER_STATE: state };
  const command = ["-m", "local", "token", "--user", name, "--expires", life];
  const { stdout } = await promisify(execFile)(python, command, { env: environment });
  kept = { token: stdout.trim(), until: asked + KEPT * 1000 * Number(life) };
  return kept.token;
};
const client = connect(life ? { url, credentials: jwt(token) } : { url, apiKey: outputs.apiKey });
const feed = client.live(topic, { keep: 1_000_000 });

let said = null;
const looking = setInterval(() => {
  const says = feed.state;
  if (says !== said) say({ state: (said = says), at: now() });
}, LOOK_MS);

process.stdin.resume().on("end", async () => {
  clearInterval(looking);
  callback({ event: "end", at: now() });
  await client.close();
  process.exit(0);
});

await feed.ready();
callback({ event: "live", at: now() });
for await (const event of feed) {
  if (event.kind === "RESYNC") {
    const shown = Object.fromEntries([...event.items].map(([key, item]) => [key, value(item)]));
    callback({ event: "anew", state: shown, at: now() });
    continue;
  }
  const more = event.truncated ? { gone: true } : {};
  callback({ event: "callback", item: event.key, value: value(event.item), at: now(), ...more });
  if (event.key.startsWith(FLUSH)) console.log(JSON.stringify({ subscriber: name, flush: event.key }));
}
