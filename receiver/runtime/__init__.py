"""Runtime: deadlines, time limits, safe error descriptions, logs and the gevent check."""
