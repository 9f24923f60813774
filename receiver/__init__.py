"""The service: it receives Twilio's callbacks, stores them, and makes them readable."""
