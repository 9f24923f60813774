"""Tests of events: their validation, and the events of Twilio's responses."""
