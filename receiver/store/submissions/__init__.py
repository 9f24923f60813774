"""Submissions: what Twilio was asked for, and what it answered."""
