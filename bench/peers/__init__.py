"""The peers: alternatives to the service, written as their documentation recommends."""
