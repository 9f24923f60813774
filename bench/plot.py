"""The plots of docs/performance.md: how figures grow, as SVG that reads on white and on black.

`python -m bench.plot RESULTS.json …` draws them again without measuring.
"""

import json
import math
import statistics
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

from bench.report import Growth, number

_DOCS = Path(__file__).parent.parent / "docs"
_WIDTH, _HEIGHT = 760, 340
_LEFT, _RIGHT, _TOP, _BOTTOM = 60, 560, 30, 290  # of the field; the legend is right of it
_ROW = 18  # of the legend
_TEXT = "#6e7781"
_COLORS = ("#2f81f7", "#d4770b", "#2da44e", "#bf3989", "#8957e5")
_DASHES = ("none", "6 3", "2 3")

Points = Sequence[tuple[float, Sequence[float]]]


@dataclass(frozen=True, kw_only=True)
class Axis:
    """An axis by its ticks, the first and the last of which are its ends."""

    ticks: Sequence[float]
    is_logarithmic: bool

    def share(self, value: float) -> float:
        """Return how much of the axis lies before a value, of 1."""
        value, first, last = (
            math.log(each) if self.is_logarithmic else each
            for each in (value, self.ticks[0], self.ticks[-1])
        )

        return (value - first) / (last - first)


def of_results(path: Path, folder: Path = _DOCS) -> list[Path]:
    """Draw all plots of a results file; return the files that were written."""
    drawn = []
    for section in json.loads(path.read_text())["sections"]:
        for growth in section.get("growths", ()):
            file = folder / f"performance-{growth['name']}.svg"
            file.write_text(svg(Growth(**growth)))
            drawn.append(file)

    return drawn


def svg(growth: Growth) -> str:
    """Return one plot: medians, joined, each with a bar from the least round to the greatest."""
    places = sorted({place for points in growth.lines.values() for place, _ in points})
    values = [each for points in growth.lines.values() for _, rounds in points for each in rounds]
    across = along(places)
    up = upwards(values)
    root = ET.Element(
        "svg",
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {_WIDTH} {_HEIGHT}",
        role="img",
        attrib={"font-family": "sans-serif", "font-size": "12", "fill": _TEXT},
    )
    _add(root, "title", f"{growth.unit} by {growth.across}")
    _axes(root, growth, across, up)
    for index, (name, points) in enumerate(growth.lines.items()):
        color = _COLORS[index % len(_COLORS)]
        group = _add(root, "g", stroke=color, fill=color, stroke_width=1.5)
        dashes = _DASHES[index // len(_COLORS) % len(_DASHES)]
        _line(group, dashes, points, across, up)
        _legend(group, dashes, name, _TOP + index * _ROW)
    ET.indent(root)

    return ET.tostring(root, encoding="unicode") + "\n"


def along(places: Sequence[float]) -> Axis:
    """Return the axis of what grows: a tick for each place that was measured."""
    if 0 < 10 * places[0] <= places[-1]:
        return Axis(ticks=places, is_logarithmic=True)

    return Axis(ticks=sorted({0, *places}), is_logarithmic=False)


def upwards(values: Sequence[float]) -> Axis:
    """Return the axis of the figures: from nought, or logarithmic if they are far apart."""
    low, high = min(values), max(values)
    if high >= 10 * low:
        return Axis(ticks=_round_numbers(low, high), is_logarithmic=True)
    step = next(each for each in _round_numbers(high / 100, high) if 6 * each >= high)

    return Axis(ticks=[n * step for n in range(math.ceil(high / step) + 1)], is_logarithmic=False)


def _round_numbers(low: float, high: float) -> list[float]:
    """Return one, two and five times the powers of ten, from `low` or below to `high` or above."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    steps = [float(f"{digit}e{power}") for power in powers for digit in (1, 2, 5)]
    first = max(index for index, step in enumerate(steps) if step <= low)
    last = min(index for index, step in enumerate(steps) if step >= high)

    return steps[first : last + 1]


def _axes(root: ET.Element, growth: Growth, across: Axis, up: Axis) -> None:
    for tick in across.ticks:
        _add(root, "text", number(tick), x=_x(across, tick), y=_BOTTOM + 18, text_anchor="middle")
    for tick in up.ticks:
        y = _y(up, tick)
        _add(root, "line", x1=_LEFT, y1=y, x2=_RIGHT, y2=y, stroke=_TEXT, stroke_opacity=0.3)
        _add(root, "text", number(tick), x=_LEFT - 8, y=y + 4, text_anchor="end")
    _add(root, "text", growth.unit, x=8, y=_TOP - 14)
    middle = (_LEFT + _RIGHT) / 2
    _add(root, "text", growth.across, x=middle, y=_BOTTOM + 40, text_anchor="middle")


def _line(group: ET.Element, dashes: str, points: Points, across: Axis, up: Axis) -> None:
    path = []
    for place, rounds in points:
        x, y = _x(across, place), _y(up, statistics.median(rounds))
        path.append(f"{x:.1f},{y:.1f}")
        _add(group, "line", x1=x, y1=_y(up, min(rounds)), x2=x, y2=_y(up, max(rounds)))
        _add(group, "circle", cx=x, cy=y, r=3)
    _add(group, "polyline", points=" ".join(path), fill="none", stroke_dasharray=dashes)


def _legend(group: ET.Element, dashes: str, name: str, y: int) -> None:
    x = _RIGHT + 20
    _add(group, "line", x1=x, y1=y, x2=x + 24, y2=y, stroke_dasharray=dashes)
    _add(group, "text", name, x=x + 32, y=y + 4, stroke="none", fill=_TEXT)


def _x(across: Axis, place: float) -> float:
    return _LEFT + (_RIGHT - _LEFT) * across.share(place)


def _y(up: Axis, value: float) -> float:
    return _BOTTOM - (_BOTTOM - _TOP) * up.share(value)


def _add(parent: ET.Element, tag: str, text: str = "", **attributes: float | str) -> ET.Element:
    """Add an element; underscores in the attributes' names stand for hyphens."""
    written = {
        name.replace("_", "-"): f"{value:.1f}" if isinstance(value, float) else str(value)
        for name, value in attributes.items()
    }
    child = ET.SubElement(parent, tag, written)
    child.text = text or None

    return child


if __name__ == "__main__":
    for argument in sys.argv[1:]:
        print(*of_results(Path(argument)), sep="\n")
