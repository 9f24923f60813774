"""Tests with real faults, which compare what was sent, acknowledged and stored."""
