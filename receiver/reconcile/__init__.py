"""Asks Twilio about jobs with late or lost callbacks, with as few requests as possible."""
