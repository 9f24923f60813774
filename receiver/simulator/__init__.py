"""A simulated Twilio for development and tests, on loopback only.

It follows Twilio's documentation and imports nothing else of this project, so that it can't share
the service's mistakes.
"""
