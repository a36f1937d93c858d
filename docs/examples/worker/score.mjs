// A worker in Node.js: an event on each line of stdin, an answer on a line of stdout.
import { createInterface } from "node:readline";

const scores = new Map();  // a process that lives on can keep what it needs

class Permanent extends Error {}  // trying again would not help

async function score({ args: [user, amount] }) {
  if (typeof amount !== "number") throw new TypeError("no amount");
  if (amount < 0) throw new Permanent("a negative amount");
  scores.set(user, (scores.get(user) ?? 0) + Math.floor(amount / 100));
}

async function answer(line) {
  const event = JSON.parse(line);
  const reply = { id: event.id, handler: event.handler };
  try {
    await score(event);
    return { ...reply, ok: true };
  } catch (error) {
    return { ...reply, error: error.message, permanent: error instanceof Permanent };
  }
}

// Events that wait for something do not wait for each other: answers go out in any order.
createInterface({ input: process.stdin }).on("line", async (line) => {
  process.stdout.write(JSON.stringify(await answer(line)) + "\n");
});
