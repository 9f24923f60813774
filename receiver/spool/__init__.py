"""The spool: where a callback waits on disk until the database is back."""
