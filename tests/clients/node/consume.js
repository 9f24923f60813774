// Lists with the filters that only this service has, and prints the ids of each list as JSON.
//
// Arguments, each as JSON: the module with the examples of docs/reading.md, the service's origin,
// the API key as [name, secret], and an array of filters.
const [library, origin, [name, secret], lists] = process.argv.slice(2).map(JSON.parse);
const { twilio, ReceiverHttpClient, listJobs } = require(library);

const httpClient = new ReceiverHttpClient(origin);
const client = twilio(name, secret, { accountSid: "AC" + "0".repeat(32), httpClient });

async function consume(filters) {
  const ids = [];
  for await (const job of listJobs(client, filters)) ids.push(job.id);
  return ids;
}

async function main() {
  const results = [];
  for (const filters of lists) {
    results.push(await consume(filters).catch((error) => error.message));
  }
  console.log(JSON.stringify(results));
}

main();
