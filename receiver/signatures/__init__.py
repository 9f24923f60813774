"""Signatures: checks whether Twilio sent a request. It needs no framework and no I/O."""
