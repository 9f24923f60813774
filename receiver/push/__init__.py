"""Push: sends each change of the feed to the endpoints that the settings name."""
