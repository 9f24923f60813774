"""Reconciling, against the simulator and a real Postgres."""
