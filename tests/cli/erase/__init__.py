"""Tests of the commands `erase …`."""
