"""Bodies: reads each request body once, limited by its size and by the worker's memory."""
