"""Tests of the store: real Postgres, real commits."""
