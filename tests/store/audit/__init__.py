"""Tests of the audit of reads in the store."""
