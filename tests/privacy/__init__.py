"""Tests of privacy: erasing, verifying, holds and retention."""
