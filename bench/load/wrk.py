"""Runs wrk, the load generator, once, and reads its result."""

import json
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from bench.load.requests import Load

_SCRIPT = Path(__file__).with_name("replay.lua")
_RESPONSE_TIMEOUT_SECONDS = 20  # longer than the service ever takes

Ending = Literal["drain", "cut", "cycle"]


class SpoiledRunError(Exception):
    """A run without valid figures: a request was not answered as expected."""


@dataclass(frozen=True, kw_only=True)
class Run:
    """The result of one run of wrk: times in seconds, latencies in microseconds."""

    sent: int
    answered: int
    refused: int
    broken: int
    seconds: float
    p50: float
    p99: float

    @property
    def rate(self) -> float:
        """Responses per second."""
        return self.answered / self.seconds


def require() -> None:
    """Exit with a hint unless wrk is installed."""
    if shutil.which("wrk") is None:
        sys.exit(
            "Error: wrk, the load generator, isn't installed. "
            "Debian: apt install wrk; macOS: brew install wrk"
        )


def run(  # noqa: PLR0913 - the description of a load, all by name
    port: int,
    load: Load,
    *,
    seconds: float,
    connections: int = 32,
    ending: Ending = "drain",
    think: float = 0,
) -> Run:
    """Send the load to a port of this machine; `think` is the mean pause in milliseconds.

    Raises SpoiledRunError if a request was answered with an error, or not at all.
    """
    script = [load.path, seconds, connections, ending, think]
    command = [
        "wrk",
        "--threads=1",
        f"--connections={connections}",
        f"--timeout={_RESPONSE_TIMEOUT_SECONDS}s",
    ]
    command += [f"--duration={int(seconds) + _RESPONSE_TIMEOUT_SECONDS}s", f"--script={_SCRIPT}"]
    command += [f"http://127.0.0.1:{port}/", "--", *map(str, script)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)  # noqa: S603 - ours
    if done.returncode:
        raise SpoiledRunError(f"wrk failed: {done.stdout}{done.stderr}")

    return parse_output(done.stdout, ending=ending)


def parse_output(output: str, *, ending: Ending) -> Run:
    """Return the result that replay.lua prints at the end, within wrk's own output.

    Raises SpoiledRunError if a request was answered with an error, or not at all.
    """
    lines = [line for line in output.splitlines() if line.startswith("{")]
    if not lines:
        raise SpoiledRunError(f"wrk failed: {output}")
    result = Run(**json.loads(lines[-1]))
    lost = ending == "drain" and result.sent != result.answered
    if result.refused or result.broken or lost or not result.answered:
        raise SpoiledRunError(f"not every request was answered as expected: {result}")

    return result
