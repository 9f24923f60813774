// Submits the same job twice with one key, then a wrong one, and prints the answers as JSON.
//
// Arguments, each as JSON: the module with the examples of docs/reading.md, the service's origin,
// the API key as [name, secret], and the job.
const [library, origin, [name, secret], job] = process.argv.slice(2).map(JSON.parse);
const { twilio, ReceiverHttpClient } = require(library);

const httpClient = new ReceiverHttpClient(origin);
const client = twilio(name, secret, { accountSid: "AC" + "0".repeat(32), httpClient });
const { transcriptions } = client.voice.v3;

async function submit() {
  const { statusCode, headers, body } = await transcriptions.createWithHttpInfo(job, {
    "Idempotency-Key": "one",
  });
  const { id, status } = body.transcription;
  return { statusCode, id, status, operationId: headers["operation-id"] };
}

async function main() {
  const wrong = { ...job, sourceId: "RE1" };
  const refused = await transcriptions
    .create(wrong)
    .catch(({ status, code }) => ({ status, code }));
  console.log(JSON.stringify([await submit(), await submit(), refused]));
}

main();
