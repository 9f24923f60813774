"""Tests of clients that this project doesn't write: generated ones, and Twilio's Node SDK."""
