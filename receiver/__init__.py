"""The service: receives callbacks, stores them, and offers a read API."""
