"""Tests of the commands `callbacks …`."""
