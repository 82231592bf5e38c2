// `node observables.js URL KEY ROOM`: the library's observables. Prints what each of them told, as JSON.
import { connect } from "headwater";
import { feed$, items$, states$ } from "headwater/rxjs";
import { filter, firstValueFrom, map, scan, take, toArray } from "rxjs";

const [url, apiKey, room] = process.argv.slice(2);
const hw = connect({ url, apiKey });
const topic = `room:${room}`;
const texts = (items) => [...items.values()].map(({ text }) => text);

// The items, once there are four.
const shown = firstValueFrom(items$(hw, topic).pipe(map(texts), filter((all) => all.length === 4)));
const states = firstValueFrom(states$(hw, topic).pipe(take(3), toArray()));
const live = firstValueFrom(states$(hw, topic).pipe(filter((state) => state === "live")));
const changes = [];
const ends = [];
const told = (name) => ({ error: (error) => ends.push([name, error.name]), complete: () => ends.push([name, "complete"]) });
const subscription = feed$(hw, topic).subscribe({ next: (change) => changes.push(change.item.text), ...told("left") });
const until = async (condition) => {
  while (!condition()) await new Promise((later) => setTimeout(later, 10));
};
const counted = firstValueFrom(feed$(hw, topic).pipe(scan((count) => count + 1, 0), filter((count) => count === 4)));

await live;
await until(() => hw.state === "live");
for (const text of ["one", "two", "three"]) await hw.sendMessage(room, text, { author: "ada" });
await until(() => changes.length === 3);
subscription.unsubscribe();
await hw.sendMessage(room, "four", { author: "ada" });
const seen = { shown: await shown, states: await states, counted: await counted, changes };

feed$(hw, "user").subscribe({ next() {}, ...told("refused") });
await until(() => ends.length === 1);
feed$(hw, topic).subscribe({ next() {}, ...told("closed") });
await until(() => hw.state === "live");
await hw.close();
await until(() => ends.length === 2);
console.log(JSON.stringify({ ...seen, ends }));
