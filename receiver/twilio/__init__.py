"""Outbound: Twilio's API as we call it, and a Twilio to develop against."""
