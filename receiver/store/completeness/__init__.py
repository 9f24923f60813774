"""Completeness: which transcripts Twilio should send, and which of them are stored."""
