// Reads with Twilio's Node SDK whose host is replaced, and prints what it read as JSON.
//
// Arguments, each as JSON: the module with the examples of docs/reading.md, the service's origin,
// the API key as [name, secret], the id of a job, and the SDK's options, such as {"region": "ie1"}.
const [library, origin, [name, secret], id, location] = process.argv.slice(2).map(JSON.parse);
const { twilio, ReceiverHttpClient, listJobs, fetchTranscript } = require(library);

const urls = [];

class RecordingHttpClient extends ReceiverHttpClient {
  request(options) {
    urls.push(options.uri);
    return super.request(options);
  }
}

const httpClient = new RecordingHttpClient(`${origin}/`);
const accountSid = "AC" + "0".repeat(32);
const client = twilio(name, secret, { accountSid, httpClient, ...location });
const { transcriptions } = client.voice.v3;

const ids = (jobs) => jobs.map((job) => job.id);

async function read() {
  const first = await transcriptions.page({ pageSize: 2, status: "COMPLETED" });
  const second = await first.nextPage();
  const fetched = await transcriptions(id).fetchWithHttpInfo();
  const [listed] = await transcriptions.list({ limit: 1 });
  const detailed = [];
  for await (const job of listJobs(client, { pageSize: 1 })) detailed.push(job);
  const transcript = {};
  for (const format of ["json", "txt", "vtt", "srt"]) {
    transcript[format] = await fetchTranscript(client, id, format);
  }
  return {
    all: ids(await transcriptions.list({ pageSize: 2 })),
    limited: ids(await transcriptions.list({ limit: 3, pageSize: 2 })),
    pages: [first, second, await second.previousPage()].map((page) => ids(page.instances)),
    createdAfter: ids(await transcriptions.list({ createdAfter: listed.createdAt })),
    fetched: { status: fetched.body.status, ...fetched.body.transcription },
    isDate: listed.createdAt instanceof Date,
    detailed,
    transcript,
    unknown: await transcriptions("unknown").fetch().catch(({ status, code }) => ({ status, code })),
    invalid: await transcriptions.list({ sourceId: "x" }).catch((error) => error.status),
    hosts: [...new Set(urls.map((url) => new URL(url).host))],
  };
}

read().then((result) => console.log(JSON.stringify(result)));
