"""Schemas of the HTTP API, inbound and outbound. They don't depend on the database."""
