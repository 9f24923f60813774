"""Tests of receiver.export."""
