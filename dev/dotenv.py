"""Reads the settings of `make run` from exported variables and from `.env`.

Only the standard library is used, because the port is checked before anything is installed.
"""

import os
import re
from pathlib import Path
from typing import Literal

_LINE = (
    r"^[ \t]*(?:export[ \t]+)?{name}[ \t]*=[ \t]*(?P<quote>[\"']?)(?P<value>.*?)(?P=quote)[ \t]*$"
)


def setting(name: Literal["PORT", "DEV_DATABASE_URL", "LOG_LEVEL"]) -> str:
    """Return the exported value, or the last one in `.env`, or an empty string."""
    if exported := os.environ.get(name):
        return exported
    try:
        text = Path(".env").read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""
    values = [found["value"] for found in re.finditer(_LINE.format(name=name), text, re.MULTILINE)]

    return values[-1] if values else ""
