// Consumes changes with the function of docs/consuming.md, and is killed after some jobs.
const [receiver, secret, cursorFile, library, count] = process.argv
  .slice(2)
  .map((argument) => JSON.parse(argument));
const { consume } = require(library);

let left = count;
const finish = (line) => {
  console.log(line);
  left -= 1;
  if (left === 0) process.exit(0);
};
const store = (job) => finish(`${job.id} ${job.status}`);
const forget = (id) => finish(`${id} erased`);

consume(receiver, secret, store, forget, cursorFile);
