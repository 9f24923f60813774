"""The store's tests: real Postgres, real commits."""
