"""The service: it receives Twilio's callbacks, stores them, and makes them readable."""

__version__ = "0.1.0"
