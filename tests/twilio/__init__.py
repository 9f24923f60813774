"""Tests of the client of Twilio's API."""
