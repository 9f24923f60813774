"""Reconciling: what Twilio knows of our jobs, asked for as sparingly as it can be."""
