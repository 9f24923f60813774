"""The jobs: folded from their events, and read by the API."""
