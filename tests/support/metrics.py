"""The page `/metrics`, as Prometheus reads it."""

from collections.abc import Mapping
from datetime import timedelta

from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import Engine

from receiver.settings.urls import CALLBACK_PATH
from receiver.store.engine import transactional
from receiver.store.metrics.read import Snapshot, read_snapshot
from tests.support.server import (
    WebServer,
)
from tests.support.waiting import wait_until

Labels = Mapping[str, str]
NO_LABELS: Labels = {}
MINUTE = timedelta(minutes=1)
# Options of a server that writes its counts soon.
FAST = {"metrics_seconds": 0.4}
APPLIED = ("receiver_callbacks_total", {"outcome": "applied", "reason": ""})
ANSWERED = ("receiver_http_requests_total", {"route": CALLBACK_PATH, "status": "204"})


def snapshot_of(engine: Engine) -> Snapshot:
    """Return the metrics in the database."""
    with transactional(engine).begin() as connection:
        return read_snapshot(connection, max_age=MINUTE)


def value(page: str, name: str, labels: Labels = NO_LABELS) -> float | None:
    """Return the value of the sample with exactly these labels; None if there is none."""
    for family in text_string_to_metric_families(page):
        for sample in family.samples:
            if sample.name == name and sample.labels == labels:
                return float(sample.value)

    return None


def page_when(web: WebServer, name: str, labels: Labels, expected: float | None) -> str:
    """Wait until the sample has the expected value, and return that page."""
    pages: list[str] = []

    def is_expected() -> bool:
        response = web.get("/metrics")
        assert response.status_code == 200
        pages.append(response.text)

        return value(pages[-1], name, labels) == expected

    wait_until(is_expected)

    return pages[-1]
