"""Words for times, durations, sizes and codes, as people read them."""

from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

from markupsafe import Markup

from receiver.runtime.plural import pluralize
from receiver.runtime.utc import format_utc

_MINUTE, _HOUR, _DAY = 60, 3600, 86_400
# (up to this many seconds, the unit's seconds, its name)
_UNITS = ((_MINUTE, 1, "s"), (_HOUR, _MINUTE, "min"), (2 * _DAY, _HOUR, "h"))
_KILOBYTE = 1000


def ago(moment: datetime, now: datetime) -> str:
    """Return the time between two moments in its largest unit, such as `3 min ago` or `in 2 h`."""
    seconds = (now - moment).total_seconds()
    if abs(seconds) < 1:
        return "now"
    text = span(abs(seconds))

    return f"{text} ago" if seconds > 0 else f"in {text}"


def span(seconds: float) -> str:
    """Return a number of seconds in its largest unit."""
    for limit, unit, name in _UNITS:
        if seconds < limit:
            return f"{int(seconds // unit)} {name}"

    return f"{int(seconds // _DAY)} days"


def utc(moment: datetime) -> str:
    """Return the time for people."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def clock(milliseconds: int) -> str:
    """Return a place in a recording: `4:05`, or `1:04:05`."""
    minutes, seconds = divmod(milliseconds // 1000, 60)
    hours, minutes = divmod(minutes, 60)

    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def bytes_(count: int) -> str:
    """Return a number of bytes with a unit."""
    size = float(count)
    for unit in ("B", "kB", "MB"):
        if size < _KILOBYTE:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= _KILOBYTE

    return f"{size:.1f} GB"


def abilities(scopes: Collection[str]) -> str:
    """Return what an API key with these scopes may do here, such as `read, replay and erase`."""
    words = ["read", "replay", *(word for word in ("erase",) if word in scopes)]

    return f"{', '.join(words[:-1])} and {words[-1]}"


def lower_first(text: str) -> str:
    """Return the text with its first letter in lower case, to continue a sentence."""
    return text[:1].lower() + text[1:]


def code(text: str) -> Markup:
    """Return a text of ours as HTML: what is between backquotes is code."""
    parts = text.split("`")

    return Markup().join(
        Markup("<code>{}</code>").format(part) if place % 2 else part
        for place, part in enumerate(parts)
    )


FILTERS: Mapping[str, Callable[..., Any]] = MappingProxyType(
    {
        "bytes": bytes_,
        "clock": clock,
        "code": code,
        "count": pluralize,
        "iso": format_utc,
        "lower_first": lower_first,
        "span": span,
        "utc": utc,
    }
)
