// JSON lines: `{id, call, argument}` comes in on stdin; `{id, value | error}` and what subscriptions bring go out on stdout.
import { createInterface } from "node:readline";

export const emit = (message) => {
  process.stdout.write(`${JSON.stringify(message)}\n`);
};

// Returns when stdin ends: whoever started this is done, or gone.
export async function serve(answer) {
  emit({ ready: true });
  for await (const line of createInterface({ input: process.stdin })) {
    const { id, call, argument } = JSON.parse(line);
    answer(call, argument).then((answered) => emit({ id, ...answered }));
  }
}
