"""The store: the ledger of everything Twilio told us, and the jobs that follow from it."""
