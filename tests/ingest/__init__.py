"""Tests of ingest: the signature, the body, the judgement, the webhook."""
