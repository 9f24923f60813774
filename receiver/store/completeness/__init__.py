"""Completeness: which transcripts Twilio promised, and which of them are here."""
