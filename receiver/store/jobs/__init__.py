"""The jobs: the fold of their events, and the reads of the API."""
