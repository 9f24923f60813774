"""The peers: what one would write instead, as its own users and documentation write it."""
