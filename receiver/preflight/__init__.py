"""Checks the file behind a mediaUrl before its transcription is paid for."""
