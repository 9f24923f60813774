"""Tests of the look at a mediaUrl before it is paid for."""
