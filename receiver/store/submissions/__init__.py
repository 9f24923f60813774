"""Submissions: the requests to Twilio for new jobs, and Twilio's responses."""
