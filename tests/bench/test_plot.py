"""The plots that the benchmark draws from a results file."""

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from bench.plot import along, of_results, svg, upwards
from bench.report import Growth, Section, write

SVG = "{http://www.w3.org/2000/svg}"
GROWTH = Growth(
    name="jobs",
    across="jobs & more",
    unit="ms for a page",
    lines={
        "first": [(10_000, [6.5, 9.0, 7.0]), (100_000, [7.5]), (1_000_000, [8.0])],
        "deep": [(10_000, [6.0]), (100_000, [6.0]), (1_000_000, [12.0])],
    },
)


def test_every_point_is_drawn() -> None:
    """Each line of a plot joins its points, at the heights of their medians."""
    root = ET.fromstring(svg(GROWTH))

    first, deep = root.findall(f"{SVG}g")
    assert [len(group.findall(f"{SVG}circle")) for group in (first, deep)] == [3, 3]
    for group in (first, deep):
        centres = [f"{each.get('cx')},{each.get('cy')}" for each in group.findall(f"{SVG}circle")]
        assert group.find(f"{SVG}polyline").get("points") == " ".join(centres)  # type: ignore[union-attr]
    heights = [float(each.get("cy", "")) for each in deep.findall(f"{SVG}circle")]
    assert heights[0] == heights[1] > heights[2]


def test_spread_is_drawn() -> None:
    """A bar extends from the lowest round of a point to the highest, through its median."""
    root = ET.fromstring(svg(GROWTH))
    group = root.findall(f"{SVG}g")[0]
    bar, circle = group.find(f"{SVG}line"), group.find(f"{SVG}circle")

    assert bar is not None
    assert circle is not None
    assert bar.get("x1") == bar.get("x2") == circle.get("cx")
    assert float(bar.get("y1", "")) > float(circle.get("cy", "")) > float(bar.get("y2", ""))


def test_everything_is_labelled() -> None:
    """Both axes, each tick and each line have labels, with any characters."""
    texts = {each.text for each in ET.fromstring(svg(GROWTH)).iter(f"{SVG}text")}

    assert {"jobs & more", "ms for a page", "10,000", "1,000,000", "first", "deep"} <= texts


def test_everything_is_inside_the_picture() -> None:
    """No element extends beyond the picture's edge."""
    root = ET.fromstring(svg(GROWTH))
    _, _, width, height = map(float, root.get("viewBox", "").split())

    for each in root.iter():
        for names, end in ((("x", "x1", "x2", "cx"), width), (("y", "y1", "y2", "cy"), height)):
            assert all(0 <= float(each.get(name, "0")) <= end for name in names)


def test_axis_of_similar_values_is_linear() -> None:
    """An axis of similar values is linear and begins at 0."""
    axis = upwards([820, 1380])

    assert axis.ticks == [0, 500, 1000, 1500]
    assert axis.share(750) == pytest.approx(0.5)


def test_axis_of_distant_values_is_logarithmic() -> None:
    """An axis with values that differ by a factor of ten or more is logarithmic."""
    axis = upwards([0.6, 15])

    assert axis.ticks == [0.5, 1, 2, 5, 10, 20]
    assert axis.share(0.5 * 40**0.5) == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("places", "ticks"),
    [([1, 2, 3, 4], [0, 1, 2, 3, 4]), ([1, 8, 64], [1, 8, 64]), ([0, 50, 100], [0, 50, 100])],
)
def test_each_place_has_its_tick(places: list[float], ticks: list[float]) -> None:
    """The horizontal axis has a tick at each measured place, also at both ends."""
    axis = along(places)

    assert axis.ticks == ticks
    assert (axis.share(ticks[0]), axis.share(ticks[-1])) == (0, 1)


def test_plots_are_drawn_from_a_results_file(tmp_path: Path) -> None:
    """A plot needs the results file only; a file of an older run, without growth, gives none."""
    write([Section(title="Lists", growths=[GROWTH])], {}, tmp_path / "new")
    (tmp_path / "old.json").write_text(json.dumps({"sections": [{"title": "Rates"}]}))

    (drawn,) = of_results(tmp_path / "new.json", folder=tmp_path)

    assert drawn == tmp_path / "performance-jobs.svg"
    assert drawn.read_text() == svg(GROWTH)
    assert of_results(tmp_path / "old.json", folder=tmp_path) == []
