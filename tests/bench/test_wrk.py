"""What wrk tells of a run, and when it means nothing."""

import json

import pytest

from bench.load.wrk import Ending, SpoiledRunError, parse_output

GOOD = {
    "sent": 3000,
    "seconds": 1.5,
    "answered": 3000,
    "refused": 0,
    "broken": 0,
    "p50": 2100.0,
    "p99": 9800.5,
}
AROUND = "Running 23s test @ http://127.0.0.1:8000/\n{}\n  1 threads and 32 connections\n"


def _output(**changes: float) -> str:
    return AROUND.format(json.dumps(GOOD | changes))


def test_a_run_is_read_from_among_other_words() -> None:
    """The script's line counts, and the rate is that of the answers."""
    run = parse_output(_output(), ending="drain")

    assert run.rate == 2000
    assert (run.p50, run.p99) == (2100.0, 9800.5)


@pytest.mark.parametrize(
    "changes",
    [{"refused": 1}, {"broken": 1}, {"answered": 2999}, {"sent": 0, "answered": 0}],
)
def test_one_bad_answer_spoils_a_run(changes: dict[str, float]) -> None:
    """An error, a broken connection, a lost answer or none at all: such a run has no figures."""
    with pytest.raises(SpoiledRunError, match="not every request was answered as expected"):
        parse_output(_output(**changes), ending="drain")


@pytest.mark.parametrize("ending", ["cut", "cycle"])
def test_a_run_that_is_cut_short_may_miss_answers(ending: Ending) -> None:
    """Where the end waits for no answer, those under way aren't missed."""
    assert parse_output(_output(answered=2990), ending=ending).answered == 2990


def test_wrk_may_say_nothing_of_use() -> None:
    """Without the script's line there is no run, and wrk's own words tell why."""
    with pytest.raises(SpoiledRunError, match="unable to connect"):
        parse_output("unable to connect to 127.0.0.1:1\n", ending="drain")
