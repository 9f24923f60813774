"""Prometheus and its tool, as Debian's package installs them."""

import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests

from dev.process import Child
from tests.support.server import (
    free_port,
)
from tests.support.waiting import wait_until

_CONFIGURATION = """
global: {{scrape_interval: 100ms, scrape_timeout: 100ms}}
scrape_configs:
  - job_name: receiver
    authorization: {{credentials: {secret}}}
    static_configs: [{{targets: ["{target}"]}}]
"""


def program(name: str) -> str:
    """Return the path of a program of the package; skip the test if it isn't installed."""
    found = shutil.which(name)
    if found is None:
        pytest.skip(
            f"{name} isn't installed: use `apt install prometheus` or your system's package"
        )

    return found


class Prometheus:
    """A running Prometheus."""

    def __init__(self, port: int) -> None:
        self._url = f"http://127.0.0.1:{port}"

    def query(self, expression: str) -> list[dict[str, Any]]:
        """Return the series of a query's result; raise an error if the query isn't valid."""
        response = requests.get(
            f"{self._url}/api/v1/query", params={"query": expression}, timeout=10
        )
        answer: dict[str, Any] = response.json()
        assert answer["status"] == "success", answer

        return list(answer["data"]["result"])

    def is_ready(self) -> bool:
        """Return whether it has scraped something."""
        try:
            return self.query("up") != []
        except (requests.ConnectionError, requests.JSONDecodeError):
            return False


@contextmanager
def prometheus(target: str, secret: str, folder: Path) -> Iterator[Prometheus]:
    """Run a Prometheus that scrapes `target`, a host and port, with an API key's secret."""
    path = program("prometheus")
    port = free_port()
    configuration = folder / "prometheus.yml"
    configuration.write_text(_CONFIGURATION.format(secret=secret, target=target))
    child = Child(
        [
            path,
            f"--config.file={configuration}",
            f"--storage.tsdb.path={folder / 'data'}",
            f"--web.listen-address=127.0.0.1:{port}",
            "--log.level=error",
        ],
        stop_signal=signal.SIGTERM,
        env={},
        cwd=folder,
    )
    running = Prometheus(port)
    try:
        wait_until(running.is_ready)
        yield running
    finally:
        child.stop(timeout_seconds=20)
