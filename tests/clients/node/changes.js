// Consumes changes with the function of docs/consuming.md, and is killed after some jobs.
const [receiver, secret, cursorFile, library, count] = process.argv
  .slice(2)
  .map((argument) => JSON.parse(argument));
const { consume } = require(library);

let left = count;
const store = (job) => {
  console.log(`${job.id} ${job.status}`);
  left -= 1;
  if (left === 0) process.exit(0);
};

consume(receiver, secret, store, cursorFile);
