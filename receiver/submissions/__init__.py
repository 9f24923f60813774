"""Submits jobs to Twilio: `POST /v3/Transcriptions`, and batches of CSV rows."""
