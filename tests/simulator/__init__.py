"""Tests of the simulator, held against the SDK and against what Twilio documents."""
