"""The report that the benchmark makes from its figures."""

import json
from pathlib import Path

import pytest

from bench.report import Figure, Growth, Ratio, Section, faster, markdown, number, ratio, write


def test_ratio_is_calculated_per_round() -> None:
    """A ratio is the median of the rounds' ratios, not the ratio of the medians."""
    result = ratio("ours : theirs", [10, 20, 90], [10, 10, 10])

    assert result.rounds == [1, 2, 9]
    assert result.median == 2


def test_ratio_needs_equal_rounds() -> None:
    """Figures with different numbers of rounds have no ratio."""
    with pytest.raises(ValueError, match="shorter"):
        ratio("ours : theirs", [1, 2], [1])


@pytest.mark.parametrize(
    ("median", "goals", "words", "verdict"),
    [
        (4.0, {"at_least": 4}, "at least 4", "reached"),
        (3.99, {"at_least": 4}, "at least 4", "**falls short**"),
        (1.3, {"at_most": 1.3}, "at most 1.3", "reached"),
        (1.31, {"at_most": 1.3}, "at most 1.3", "**falls short**"),
        (9.0, {}, "", ""),
    ],
)
def test_verdict_compares_median_and_goal(
    median: float, goals: dict[str, float], words: str, verdict: str
) -> None:
    """A median at its goal reaches it, one beyond falls short; without a goal both are empty."""
    result = Ratio(name="ratio", rounds=[median], **goals)

    assert (result.goal(), result.verdict()) == (words, verdict)


def test_near_miss_shows_its_digits() -> None:
    """A median that narrowly misses its goal is written with enough digits to show it."""
    section = Section(title="WAL", ratios=[Ratio(name="all", rounds=[1.5014], at_most=1.5)])

    assert "| all   | 1.5014 |            | at most 1.5 | **falls short** |" in _lines(section)


def test_faster_compares_medians() -> None:
    """A single fast round doesn't make a candidate the faster one."""
    assert faster({"steady": [5, 5, 5], "lucky": [1, 1, 99]}, "steady", "lucky") == "steady"


def test_figures_are_written_with_their_spread() -> None:
    """A figure has its median, its lowest and highest round, and its unit."""
    section = Section(
        title="Rates", figures=[Figure(name="ours", unit="1/s", rounds=[1400, 3, 12])]
    )

    assert "| ours   | 12     | 3 to 1,400 | 1/s  |" in _lines(section)


def test_growth_is_a_table() -> None:
    """Each line of the growth is a row, and each place is a column."""
    growth = Growth(
        name="jobs",
        across="jobs",
        unit="ms",
        lines={
            "first": [(10_000, [7.0]), (1_000_000, [7.5])],
            "deep": [(10_000, [8.0]), (1_000_000, [9.0])],
        },
    )
    section = Section(title="Lists", growths=[growth])

    table = [line for line in _lines(section) if line.startswith("|")]
    assert table == [
        "| ms: jobs | 10,000 | 1,000,000 |",
        "| -------- | ------ | --------- |",
        "| first    | 7      | 7.5       |",
        "| deep     | 8      | 9         |",
    ]


def test_missing_measurement_is_reported() -> None:
    """A section without figures is empty, and the report contains its note."""
    section = Section(title="Lists", note="**Not measured**: it took more than 300 s")

    assert section.is_empty()
    assert "**Not measured**: it took more than 300 s" in _lines(section)


def test_markdown_and_json_are_written(tmp_path: Path) -> None:
    """The JSON file beside the Markdown file contains every round."""
    section = Section(title="Rates", figures=[Figure(name="ours", unit="1/s", rounds=[1.25, 2.5])])

    write([section], {"processor": "2 cores"}, tmp_path / "results" / "today")

    document = json.loads((tmp_path / "results" / "today.json").read_text())
    assert document["machine"] == {"processor": "2 cores"}
    assert document["sections"][0]["figures"][0]["rounds"] == [1.25, 2.5]
    assert "- processor: 2 cores" in (tmp_path / "results" / "today.md").read_text()


@pytest.mark.parametrize(
    ("value", "text"), [(0.01234, "0.0123"), (9.996, "10"), (99.96, "100"), (1234.6, "1,235")]
)
def test_number_has_three_significant_digits(value: float, text: str) -> None:
    """A number has three significant digits, or all digits of its whole part."""
    assert number(value) == text


def _lines(section: Section) -> list[str]:
    return markdown([section], {}).splitlines()
