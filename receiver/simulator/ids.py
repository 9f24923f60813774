"""Ids of Twilio's patterns; the same seed makes the same."""

import string
from random import Random

_LETTERS = string.digits + string.ascii_lowercase


def job(random: Random) -> str:
    """Return `^voice_transcription_[0-9a-zA-Z]{26}$`."""
    return f"voice_transcription_{_letters(random)}"


def configuration(random: Random) -> str:
    """Return `^voice_transcriptionconfiguration_[0-9a-z]{26}$`."""
    return f"voice_transcriptionconfiguration_{_letters(random)}"


def conversation(random: Random) -> str:
    """Return `^conv_conversation_[a-zA-Z0-9]{26}$`."""
    return f"conv_conversation_{_letters(random)}"


def _letters(random: Random) -> str:
    return "".join(random.choices(_LETTERS, k=26))
