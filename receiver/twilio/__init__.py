"""Twilio's side: a Twilio to develop against."""
