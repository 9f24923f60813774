"""Privacy: erases what callers said, everywhere, for good, and with a receipt."""
