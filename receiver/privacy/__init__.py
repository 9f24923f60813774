"""Privacy: how long what callers said is kept."""
