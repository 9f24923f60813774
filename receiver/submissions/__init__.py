"""Submissions: POST /v3/Transcriptions, idempotency and batches from CSV."""
