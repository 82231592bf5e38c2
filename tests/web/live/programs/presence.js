// `node presence.js URL KEY ROOM`: two devices in a room. Prints who was seen when, and what the devices know, as JSON.
import { connect } from "headwater";
import { isGrey, present } from "headwater/presence";

const [url, apiKey, room] = process.argv.slice(2);
const until = async (condition) => {
  while (!condition()) await new Promise((later) => setTimeout(later, 10));
};
const watcher = connect({ url, apiKey });
const feed = await watcher.live(`presence:${room}`).ready();
const names = () => [...feed.items.values()].map(({ name }) => name).sort();
const hw = connect({ url, apiKey });
const here = await present(hw, room, { name: "ada" }).ready();
const other = await present(hw, room, { name: "bob" }).ready();
await until(() => feed.items.size === 2);
const came = names();
// As long as a presence lasts without heartbeats, and half as long again.
await new Promise((later) => setTimeout(later, 3000 * here.heartbeatSeconds));
const stayed = names();
const beats = Date.parse(here.presence.lastSeen) - Date.parse(here.presence.joinedAt);
const grey = [...feed.items.values()].map((each) => here.isGrey(each) || isGrey(each, here.serverTime, here.greyAfterSeconds));
await other.close();
await until(() => feed.items.size === 1);
const left = names();
await hw.close(); // and with it the presence
await until(() => feed.items.size === 0);
await watcher.close();
console.log(JSON.stringify({ came, stayed, left, beats, grey, errors: [here.error, other.error], isPresent: here.isPresent }));
