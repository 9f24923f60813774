"""A client of Twilio's REST API: client, transport, responses and errors."""
