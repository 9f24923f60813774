"""The simulated account, and a receiver of its callbacks."""
