// Validates signed requests with Twilio's Node SDK, and prints the results as a JSON array.
//
// The argument is a JSON array of objects with secret, signature, settings, url and body.
const twilio = require("twilio");

const validate = ({ secret, signature, settings, url, body }) =>
  twilio.validateRequestWithBody(
    secret,
    signature,
    url,
    body,
    twilio.getSignatureAlgorithm(settings),
  );

console.log(JSON.stringify(JSON.parse(process.argv[2]).map(validate)));
