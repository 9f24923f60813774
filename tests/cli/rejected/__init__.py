"""Tests of the commands `rejected …`."""
