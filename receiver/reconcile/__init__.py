"""Asks Twilio about jobs whose callbacks are late or lost, with as few requests as possible."""
