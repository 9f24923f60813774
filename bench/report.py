"""The report: Markdown for people, and JSON with all raw figures."""

import json
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Ratio:
    """A ratio in each round, and its goal, if there is one."""

    name: str
    rounds: Sequence[float]
    at_least: float | None = None
    at_most: float | None = None

    @property
    def median(self) -> float:
        """The median over the rounds, which is compared with the goal."""
        return statistics.median(self.rounds)

    def goal(self) -> str:
        """Return the goal in words."""
        if self.at_least is not None:
            return f"at least {self.at_least:g}"

        return "" if self.at_most is None else f"at most {self.at_most:g}"

    def verdict(self) -> str:
        """Return whether the median reaches the goal, in words."""
        if not self.goal():
            return ""
        low = self.at_least is not None and self.median < self.at_least
        high = self.at_most is not None and self.median > self.at_most

        return "**falls short**" if low or high else "reached"


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A figure in each round. It is only meaningful for this machine."""

    name: str
    unit: str
    rounds: Sequence[float]


@dataclass(frozen=True, kw_only=True)
class Growth:
    """How figures grow: lines of points, each with the figures of all rounds."""

    name: str  # of the plot's file
    across: str  # the label of the x axis
    unit: str
    lines: Mapping[str, Sequence[tuple[float, Sequence[float]]]]


@dataclass(frozen=True, kw_only=True)
class Section:
    """The results of one measurement."""

    title: str
    figures: Sequence[Figure] = ()
    ratios: Sequence[Ratio] = ()
    growths: Sequence[Growth] = ()
    note: str = ""
    is_skipped: bool = False  # this machine can't do it

    def is_empty(self) -> bool:
        """Return whether the measurement failed."""
        return not (self.figures or self.ratios or self.growths or self.is_skipped)


def ratio(
    name: str,
    ours: Sequence[float],
    theirs: Sequence[float],
    *,
    at_least: float | None = None,
    at_most: float | None = None,
) -> Ratio:
    """Return the ratio of two figures from the same rounds."""
    rounds = [one / other for one, other in zip(ours, theirs, strict=True)]

    return Ratio(name=name, rounds=rounds, at_least=at_least, at_most=at_most)


def faster(rates: dict[str, list[float]], *names: str) -> str:
    """Return the name with the higher median rate."""
    return max(names, key=lambda name: statistics.median(rates[name]))


def markdown(sections: Sequence[Section], machine: dict[str, str]) -> str:
    """Return the whole report."""
    lines = ["# Benchmark", "", *(f"- {name}: {value}" for name, value in machine.items()), ""]
    lines.append("Medians over the rounds, and the least and the greatest of them.")
    lines += [f"\n{section_markdown(section)}" for section in sections]

    return "\n".join(lines).rstrip() + "\n"


def section_markdown(section: Section) -> str:
    """Return one section of the report."""
    lines = [f"## {section.title}", "", *_ratios(section), *_figures(section)]
    for growth in section.growths:
        lines += _growth(growth)
    lines += [section.note, ""] if section.note else []

    return "\n".join(lines)


def write(sections: Sequence[Section], machine: dict[str, str], stem: Path) -> None:
    """Write the Markdown and the JSON file."""
    stem.parent.mkdir(exist_ok=True)
    document = {"machine": machine, "sections": [asdict(section) for section in sections]}
    stem.with_suffix(".json").write_text(json.dumps(document, indent=1) + "\n")
    stem.with_suffix(".md").write_text(markdown(sections, machine))


def _ratios(section: Section) -> list[str]:
    if not section.ratios:
        return []
    rows = [
        (item.name, _median(item), _spread(item.rounds), item.goal(), item.verdict())
        for item in section.ratios
    ]

    return _table(("ratio", "median", "min to max", "goal", ""), rows)


def _median(item: Ratio) -> str:
    """Return the median, with more digits where rounding would make it equal to its goal."""
    goal = item.at_most if item.at_least is None else item.at_least
    text = number(item.median)

    return f"{item.median:.5g}" if goal is not None and text == number(goal) else text


def _figures(section: Section) -> list[str]:
    if not section.figures:
        return []
    rows = [
        (item.name, number(statistics.median(item.rounds)), _spread(item.rounds), item.unit)
        for item in section.figures
    ]

    return _table(("figure", "median", "min to max", "unit"), rows)


def _growth(growth: Growth) -> list[str]:
    places = [place for place, _ in next(iter(growth.lines.values()))]
    rows = [
        (name, *(number(statistics.median(rounds)) for _, rounds in points))
        for name, points in growth.lines.items()
    ]

    return _table((f"{growth.unit}: {growth.across}", *map(number, places)), rows)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return a Markdown table whose columns are aligned."""
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    rule = ["-" * width for width in widths]

    return [
        f"| {' | '.join(text.ljust(width) for text, width in zip(row, widths, strict=True))} |"
        for row in (head, rule, *rows)
    ] + [""]


def _spread(rounds: Sequence[float]) -> str:
    return f"{number(min(rounds))} to {number(max(rounds))}" if len(rounds) > 1 else ""


def number(value: float) -> str:
    """Return the value with three significant digits, or as a whole number from 100 on."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"  # noqa: PLR2004 - three digits
