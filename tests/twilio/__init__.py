"""Tests of receiver/twilio."""
