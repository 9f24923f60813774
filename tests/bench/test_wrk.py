"""The parser of wrk's output, and the runs that it rejects."""

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
OUTPUT = "Running 23s test @ http://127.0.0.1:8000/\n{}\n  1 threads and 32 connections\n"


def _output(**changes: float) -> str:
    return OUTPUT.format(json.dumps(GOOD | changes))


def test_run_is_parsed_from_the_output() -> None:
    """The parser reads the script's line; the rate is that of the answers."""
    run = parse_output(_output(), ending="drain")

    assert run.rate == 2000
    assert (run.p50, run.p99) == (2100.0, 9800.5)


@pytest.mark.parametrize(
    "changes",
    [{"refused": 1}, {"broken": 1}, {"answered": 2999}, {"sent": 0, "answered": 0}],
)
def test_bad_answer_spoils_the_run(changes: dict[str, float]) -> None:
    """A run with an error, a broken connection, a lost answer or no answer has no figures."""
    with pytest.raises(SpoiledRunError, match="not every request was answered as expected"):
        parse_output(_output(**changes), ending="drain")


@pytest.mark.parametrize("ending", ["cut", "cycle"])
def test_interrupted_run_may_miss_answers(ending: Ending) -> None:
    """A run that ends without waiting for its last answers may miss some."""
    assert parse_output(_output(answered=2990), ending=ending).answered == 2990


def test_output_without_result_is_an_error() -> None:
    """Without the script's line there is no run, and the error contains wrk's own text."""
    with pytest.raises(SpoiledRunError, match="unable to connect"):
        parse_output("unable to connect to 127.0.0.1:1\n", ending="drain")
