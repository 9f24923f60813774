"""Tests of the consumers in docs/consuming.md: each is killed in the middle, and continues."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Engine

from tests.support.command import run
from tests.support.node import SCRIPTS, run_node
from tests.support.paths import ROOT
from tests.support.stored_callbacks import callback, record_callback
from tests.support.submitting import READER

_PAGE = (ROOT / "docs" / "consuming.md").read_text()
[_PYTHON] = re.findall(r"```python\n(.*?)```", _PAGE, re.DOTALL)
[_NODE] = re.findall(r"```js\n(.*?)```", _PAGE, re.DOTALL)

# Some pages of a hundred.
JOBS = [f"job{number:03}" for number in range(230)]

# Consumes this many jobs, is killed while it processes the last, and returns what it processed.
Consume = Callable[[int], list[str]]


class _KilledError(Exception):
    """The consumer is killed."""


@pytest.fixture(params=["python", "node"])
def consume(request: pytest.FixtureRequest, origin: str, tmp_path: Path) -> Consume:
    """Return a consumer of the documents, with its cursor in a file."""
    cursor_file = tmp_path / "cursor"
    if request.param == "python":
        names: dict[str, Any] = {}
        exec(_PYTHON, names)
        return lambda count: _consume_in_python(names["consume"], origin, cursor_file, count)
    if shutil.which("node") is None:
        pytest.skip("Node is missing: install Node 18 or newer")
    library = tmp_path / "consume.js"
    library.write_text(f"{_NODE}\nmodule.exports = {{ consume }};\n")
    arguments = (origin, READER[1], str(cursor_file), str(library))

    return lambda count: run_node(SCRIPTS / "changes.js", *arguments, count).splitlines()


def _consume_in_python(
    consume: Callable[..., None], origin: str, cursor_file: Path, count: int
) -> list[str]:
    jobs: list[str] = []

    def process(line: str) -> None:
        jobs.append(line)
        if len(jobs) == count:
            raise _KilledError

    def store(job: dict[str, Any]) -> None:
        process(f"{job['id']} {job['status']}")

    def forget(job_id: str) -> None:
        process(f"{job_id} erased")

    with pytest.raises(_KilledError):
        consume(origin, READER, store, forget, cursor_file)

    return jobs


def test_consumer_that_is_killed_misses_nothing(engine: Engine, consume: Consume) -> None:
    """It repeats the page in which it was killed, and goes on with what changed meanwhile."""
    for job in JOBS:
        record_callback(engine, callback(job, status="running"))
    assert consume(150) == [f"{job} RUNNING" for job in JOBS[:150]]
    record_callback(engine, callback("job007"))
    assert consume(131) == [*(f"{job} RUNNING" for job in JOBS[100:]), "job007 COMPLETED"]


def test_consumer_forgets_what_was_erased(app: Flask, engine: Engine, consume: Consume) -> None:
    """It is given an erased job as such, because that lacks members of other jobs."""
    record_callback(engine, callback("first"))
    assert run(app, "erase", "job", "first", "--yes").exit_code == 0
    record_callback(engine, callback("second"))
    assert sorted(consume(2)) == ["first erased", "second COMPLETED"]
