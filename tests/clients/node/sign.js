// Signs the URL of a callback with Twilio's Node SDK, and prints the URL and signature as JSON.
//
// Arguments, each as JSON: the URL, the body, the secret and the algorithm.
const twilio = require("twilio");

const [url, body, secret, algorithm] = process.argv.slice(2).map(JSON.parse);
const signedUrl = `${url}?bodySHA256=${twilio.getExpectedBodyHash(body)}`;
const signature = twilio.getExpectedTwilioSignature(secret, signedUrl, {}, algorithm);

console.log(JSON.stringify([signedUrl, signature]));
