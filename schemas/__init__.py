"""Schemas: what crosses the HTTP boundary, inbound and outbound; they know no database."""
