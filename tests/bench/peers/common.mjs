// What the job queues' programs have in common: the jobs of a batch of events, and a clock that several
// processes share.

export const BATCH = 1000;
export const HANDLERS = ["first", "second"];

// The payloads of a batch of events, the same as evd's events carry.
export function payloads() {
  return Array.from({ length: BATCH }, (_, n) => ({ args: [`user ${n + 1}`, n + 1] }));
}

// Milliseconds since 1970, with fractions.
export function now() {
  return performance.timeOrigin + performance.now();
}

// Counts the jobs that a handler which does nothing is called for, and notes the first call's time, so that
// neither the start of the process nor the queue's connecting is measured.
export class Calls {
  jobs = 0;
  began = null;

  count(jobs) {
    this.began ??= now();
    this.jobs += jobs;
  }
}

export function print(figures) {
  console.log(JSON.stringify(figures));
}
