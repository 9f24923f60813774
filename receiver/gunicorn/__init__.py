"""gunicorn's worker with the limits of its connections; forks, open files and its logger."""
