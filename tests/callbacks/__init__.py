"""Tests of the webhook: signature, body, persisting, drain and replay."""
