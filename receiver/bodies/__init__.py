"""Bodies: read once, capped, within the memory of one worker."""
