"""Metrics: workers count in memory, and add their counts to tables that every worker reads."""
