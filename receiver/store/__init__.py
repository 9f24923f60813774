"""All SQL: the ledger of everything Twilio sent, and the jobs that are computed from it."""
