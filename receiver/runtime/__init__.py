"""Runtime: deadlines, limits of time and load, safe error descriptions, logs, the gevent check."""
