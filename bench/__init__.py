"""The benchmark: compares the service with its alternatives, on one machine, in one run."""
