"""The spool: stores callbacks on disk while the database is unavailable."""
