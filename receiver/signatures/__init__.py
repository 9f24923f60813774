"""Signatures: verifies that Twilio sent these bytes, without reading a database or the settings."""
