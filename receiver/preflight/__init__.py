"""A look at a mediaUrl before Twilio is paid for it."""
