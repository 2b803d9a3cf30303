// Follow the predictions of MAF's crowd: npm install && npm run build && npm start -- [--count N] [--source-type T]

import { parseArgs } from "node:util";
import { createClient } from "redis";
import { decode, describe } from "./envelope.js";

const REMEMBERED = 1000;

const { values: options } = parseArgs({
  options: {
    "redis-url": { type: "string", default: process.env.REDIS_URL ?? "redis://localhost:6379/0" },
    stream: { type: "string", default: "maf:arena:crowd_simulation:output" },
    count: { type: "string" },
    "source-type": { type: "string" },
  },
});

const seen = new Set<string>();

/** Show a prediction that is wanted and new. */
function show(data: string | undefined): boolean {
  const envelope = decode(data);
  if (envelope === undefined || seen.has(envelope.correlationId)) return false;
  const wanted = options["source-type"];
  if (wanted !== undefined && envelope.prediction.source_type !== wanted) return false;
  seen.add(envelope.correlationId);
  if (seen.size > REMEMBERED) seen.delete(seen.values().next().value as string);
  console.log(describe(envelope));
  return true;
}

const client = createClient({ url: options["redis-url"] });
client.on("error", (error) => console.error(`the server is away, trying again: ${error.message}`));
await client.connect();

if (options.count !== undefined) {
  let left = Number(options.count);
  for (const { message } of await client.xRevRange(options.stream, "+", "-", { COUNT: 1000 })) {
    if (left > 0 && show(message.data)) left -= 1;
  }
  await client.close();
} else {
  let last = "$";
  for (;;) {
    const answer = (await client.xRead({ key: options.stream, id: last }, { BLOCK: 0 })) as
      | { messages: { id: string; message: Record<string, string> }[] }[]
      | null;
    for (const { id, message } of answer?.[0]?.messages ?? []) {
      last = id;
      show(message.data);
    }
  }
}
