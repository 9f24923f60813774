"""Polls: which jobs to ask Twilio about, when, and the scans of its list."""
