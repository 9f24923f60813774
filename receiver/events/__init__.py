"""Events: an event from any source, validated before it is recorded."""
