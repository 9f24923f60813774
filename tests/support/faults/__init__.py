"""Helpers of the fault tests: deployments, senders and figures."""
