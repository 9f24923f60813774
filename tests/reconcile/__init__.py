"""Tests of reconcile, against the simulator and a real Postgres."""
