// pg-boss's side of the comparison: pg_boss.mjs URL (fill EVENTS | drain EVENTS). Prints a line of JSON:
// {"events", "seconds"} of a backlog written, {"jobs", "began", "ended"} of one drained. An event is two jobs,
// one in the queue of each handler.
import { PgBoss } from "pg-boss";

import { BATCH, Calls, HANDLERS, now, payloads, print } from "./common.mjs";

const [url, verb, count] = process.argv.slice(2);
// What its pages offer for throughput: a table for each queue, batches, and no pause while they are full.
const QUEUE = { partition: true };
const WORKER = { batchSize: 1000, burstWhenBatchFull: true, pollingIntervalSeconds: 0.5 };

async function fill(boss, events) {
  for (const name of HANDLERS) await boss.createQueue(name, QUEUE);
  const jobs = payloads().map((data) => ({ data }));
  const began = now();
  for (let written = 0; written < events; written += BATCH) {
    for (const name of HANDLERS) await boss.insert(name, jobs);
  }
  print({ events, seconds: (now() - began) / 1000 });
}

async function drain(boss, events) {
  const calls = new Calls();
  const { promise, resolve } = Promise.withResolvers();
  const nothing = async (jobs) => {
    calls.count(jobs.length);
    if (calls.jobs >= events * HANDLERS.length) resolve();
  };
  for (const name of HANDLERS) await boss.work(name, WORKER, nothing);
  await promise;
  // Waits until what the handlers returned is recorded.
  await Promise.all(HANDLERS.map((name) => boss.offWork(name, { wait: true })));
  print({ jobs: calls.jobs, began: calls.began, ended: now() });
}

const boss = new PgBoss(url);
boss.on("error", (error) => {
  console.error(error);
  process.exit(1);
});
await boss.start();
await (verb === "fill" ? fill : drain)(boss, Number(count));
await boss.stop();
