"""Generates ids in Twilio's formats. The same random seed gives the same ids."""

import string
from random import Random

_CHARACTERS = string.digits + string.ascii_lowercase


def job_id(random: Random) -> str:
    """Return an id that matches `^voice_transcription_[0-9a-zA-Z]{26}$`."""
    return f"voice_transcription_{_characters(random)}"


def configuration_id(random: Random) -> str:
    """Return an id that matches `^voice_transcriptionconfiguration_[0-9a-z]{26}$`."""
    return f"voice_transcriptionconfiguration_{_characters(random)}"


def conversation_id(random: Random) -> str:
    """Return an id that matches `^conv_conversation_[a-zA-Z0-9]{26}$`."""
    return f"conv_conversation_{_characters(random)}"


def _characters(random: Random) -> str:
    return "".join(random.choices(_CHARACTERS, k=26))
