// graphile-worker's side of the comparison: graphile_worker.mjs URL (fill EVENTS | drain). Prints a line of
// JSON: {"events", "seconds"} of a backlog written, {"jobs", "began", "ended"} of one drained. An event is two
// jobs, since a job has one handler.
import { Logger, makeWorkerUtils, runOnce } from "graphile-worker";

import { BATCH, Calls, HANDLERS, now, payloads, print } from "./common.mjs";

const [url, verb, count] = process.argv.slice(2);
// The figures of its page on performance, as its own benchmark has them.
const preset = {
  worker: {
    connectionString: url,
    concurrentJobs: 24,
    maxPoolSize: 25,
    localQueue: { size: 500 },
    completeJobBatchDelay: 0,
    failJobBatchDelay: 0,
  },
};
const logger = new Logger(() => () => {}); // by default it writes a line for each job

async function fill(events) {
  const utils = await makeWorkerUtils({ preset, logger });
  await utils.migrate();
  const jobs = payloads().flatMap((payload) => HANDLERS.map((identifier) => ({ identifier, payload })));
  const began = now();
  for (let written = 0; written < events; written += BATCH) await utils.addJobs(jobs);
  print({ events, seconds: (now() - began) / 1000 });
  await utils.release();
}

async function drain() {
  const calls = new Calls();
  const nothing = async () => calls.count(1);
  await runOnce({ preset, logger, taskList: Object.fromEntries(HANDLERS.map((name) => [name, nothing])) });
  print({ jobs: calls.jobs, began: calls.began, ended: now() });
}

await (verb === "fill" ? fill(Number(count)) : drain());
