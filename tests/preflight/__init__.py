"""Tests of the check of a mediaUrl before the transcription is paid for."""
