"""Development: an embedded Postgres and `make run`; never part of production."""
