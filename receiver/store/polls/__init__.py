"""Polls: which jobs to ask Twilio about and when, and the scans of Twilio's list of jobs."""
