"""Tests of the simulator against Twilio's SDK and Twilio's documentation."""
