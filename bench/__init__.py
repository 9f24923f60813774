"""The benchmark: the service beside what one would write instead, on one machine, in one run."""
