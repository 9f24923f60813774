"""The simulator: a Twilio to develop and test against, on loopback only.

It agrees with Twilio's description, not with the receiver: it imports nothing of ours.
"""
