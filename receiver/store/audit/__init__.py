"""The audit of reads: who read which transcript or body, written by the statement that reads it."""
