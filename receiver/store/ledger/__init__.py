"""The ledger: every distinct body, recorded with its job in one commit."""
