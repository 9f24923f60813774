"""Rejected requests, stored within quotas."""
