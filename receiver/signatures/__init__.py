"""Signatures: whether Twilio sent these bytes, told from values alone."""
