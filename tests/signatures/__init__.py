"""Tests of signature verification."""
