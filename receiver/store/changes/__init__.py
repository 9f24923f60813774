"""The SQL of the change feed: which jobs were written since a snapshot of the database."""
