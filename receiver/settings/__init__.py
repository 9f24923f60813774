"""Settings: the environment, read once; keys, Twilio credentials and URLs."""
