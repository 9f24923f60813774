"""Counts in the memory of one worker, until they are added to the database."""

from bisect import bisect_left
from collections import defaultdict

from receiver.metrics.catalog import Counter, Histogram
from receiver.store.metrics.write import CountKey


class Counts:
    """What was counted since the last `take`. Counting is a few increments, and never waits."""

    def __init__(self) -> None:
        self._values: defaultdict[CountKey, float] = defaultdict(float)

    def add(self, counter: Counter, *labels: str) -> None:
        """Add 1 to the counter, for these values of its labels."""
        self._values[counter.name, labels] += 1

    def observe(self, histogram: Histogram, value: float, *labels: str) -> None:
        """Count the value in its bucket, for these values of the histogram's labels."""
        bound = histogram.bounds[bisect_left(histogram.limits, value)]
        self._values[histogram.bucket_name, (*labels, bound)] += 1
        self._values[histogram.sum_name, labels] += value

    def take(self) -> dict[CountKey, float]:
        """Return all counts, and begin anew."""
        taken, self._values = self._values, defaultdict(float)

        return taken
