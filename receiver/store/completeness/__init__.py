"""Completeness: which transcripts Twilio promised, and which of them we have."""
