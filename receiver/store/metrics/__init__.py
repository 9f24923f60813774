"""The metrics' tables: counts of all workers, the workers' state, and slow figures."""
