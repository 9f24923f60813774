"""Changes: which jobs are new or different since a consumer's last request."""
