// Receives webhooks and verifies each with every secret given, by the library of standardwebhooks.com.
// Prints its port, and for each webhook its id and what came of it: "ok", or why not.
const http = require("http");
const { Webhook } = require("standardwebhooks");

const webhooks = process.argv.slice(2).map((secret) => new Webhook(secret));

function verdict(webhook, body, headers) {
  try {
    webhook.verify(body, headers);
    return "ok";
  } catch (error) {
    return error.message;
  }
}

const server = http.createServer(async (request, response) => {
  const pieces = [];
  for await (const piece of request) pieces.push(piece);
  const body = Buffer.concat(pieces).toString();
  const verdicts = webhooks.map((webhook) => verdict(webhook, body, request.headers));
  console.log(`webhook ${request.headers["webhook-id"]}: ${verdicts.join(", ")}`);
  response.end();
});
server.listen(0, "127.0.0.1", () => console.log(`port ${server.address().port} `));
