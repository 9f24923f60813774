"""Privacy: erases what callers said, with a receipt, and removes it at the end of its time."""
