"""The page `/metrics`, as Prometheus reads it."""

from collections.abc import Mapping

from prometheus_client.parser import text_string_to_metric_families

from tests.support.server import WebServer, wait_until

Labels = Mapping[str, str]
NO_LABELS: Labels = {}


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
