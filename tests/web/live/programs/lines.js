// JSON lines: `{id, call, argument, ...}` comes in on stdin; `{id, value | error}` and what is emitted go out on stdout.
import { createInterface } from "node:readline";

export const emit = (message) => {
  process.stdout.write(`${JSON.stringify(message)}\n`);
};

// Returns when stdin ends: whoever started this is done, or gone.
export async function serve(answer) {
  emit({ ready: true });
  for await (const line of createInterface({ input: process.stdin })) {
    const { id, ...request } = JSON.parse(line);
    answer(request).then(
      (answered) => emit({ id, ...answered }),
      (error) => emit({ id, error: { name: error.name, message: error.message } }),
    );
  }
}
