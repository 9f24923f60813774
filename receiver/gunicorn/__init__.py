"""gunicorn's worker with the limits of its connections; the master process and its forks."""
