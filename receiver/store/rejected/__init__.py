"""Rejected requests: kept within quotas."""
