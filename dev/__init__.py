"""Tools for development: `make run` and an embedded Postgres. Production uses none of them."""
