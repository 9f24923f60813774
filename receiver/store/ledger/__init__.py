"""The ledger: every distinct body, recorded in one commit with its job."""
