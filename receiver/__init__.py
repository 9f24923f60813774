"""The service: what it receives, keeps, and gives back."""
