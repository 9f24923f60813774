"""The chart of the overview: callbacks and missing transcripts by hour, as bars of an SVG."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from receiver.metrics.figures import HOURS

# The units of the drawing, which is stretched to the page's width.
WIDTH, HEIGHT = 240, 100
_STEP = WIDTH / HOURS
_GAP = 1.5
# The labels of the axis are at every sixth hour.
_LABEL_HOURS = 6


class Bar(NamedTuple):
    """One hour: its counts, and the two rectangles, from the ground up."""

    at: datetime
    received: int
    missing: int
    x: float
    width: float
    received_height: float
    missing_height: float


class Chart(NamedTuple):
    """The hours, the oldest first, and what the axes say."""

    bars: list[Bar]
    top: int  # the value of the highest point
    labels: list[str]

    @property
    def has_bars(self) -> bool:
        """Whether there is anything to see."""
        return any(bar.received or bar.missing for bar in self.bars)


def make_chart(hours: Mapping[str, float | None], now: datetime) -> Chart:
    """Return the chart of the group of figures `hours`."""
    last = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    times = [last - timedelta(hours=age) for age in reversed(range(HOURS))]
    counts = [(_count(hours, "received", at), _count(hours, "missing", at)) for at in times]
    top = _round_up(max(received + missing for received, missing in counts))
    bars = [
        Bar(
            at,
            received,
            missing,
            x=round(place * _STEP + _GAP / 2, 2),
            width=round(_STEP - _GAP, 2),
            received_height=round(received / top * HEIGHT, 2),
            missing_height=round(missing / top * HEIGHT, 2),
        )
        for place, (at, (received, missing)) in enumerate(zip(times, counts, strict=True))
    ]

    return Chart(bars, top, [f"{at:%H:%M}" for at in times[::_LABEL_HOURS]])


def _count(hours: Mapping[str, float | None], name: str, at: datetime) -> int:
    return int(hours.get(f"{name} {at.timestamp():.0f}") or 0)


def _round_up(highest: int) -> int:
    """Return the next number that is easy to read: 1, 2 or 5 and zeros."""
    size = 1
    while True:
        for digit in (1, 2, 5):
            if digit * size >= highest:
                return digit * size
        size *= 10
