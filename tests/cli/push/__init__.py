"""Tests of the commands `push …`."""
