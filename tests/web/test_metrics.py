"""Tests of the route `/metrics`: who may read it, and what it answers."""

import re
from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families

from app import create_app
from receiver.services import services_of
from receiver.settings.keys import ApiKey
from receiver.web.links import make_token
from tests.support.app import Reader, Twilio
from tests.support.environment import ENVIRON, close_app
from tests.support.metrics import value
from tests.support.samples import ACCOUNT
from tests.support.stored_callbacks import callback

KEYS = f"reader:reader-secret,metrics:metrics-secret:metrics,bound@{ACCOUNT}:bound-secret"
# The contract's names.
NAMES = {
    "receiver_callbacks",
    "receiver_http_requests",
    "receiver_http_request_duration_seconds",
    "receiver_callback_body_bytes",
    "receiver_transcripts_missing",
    "receiver_oldest_missing_timestamp_seconds",
    "receiver_last_callback_timestamp_seconds",
    "receiver_reconcile_complete_timestamp_seconds",
    "receiver_quarantined",
    "receiver_rejected_kept",
    "receiver_rejected_not_kept",
    "receiver_spool_files",
    "receiver_spool_oldest_timestamp_seconds",
    "receiver_database_up",
    "receiver_database_bytes",
    "receiver_build_info",
}


@pytest.fixture
def environ(environ: dict[str, str]) -> dict[str, str]:
    """Add a key for the metrics only, and one that is bound to an account."""
    return environ | {"API_KEYS": KEYS}


@pytest.fixture
def app(environ: dict[str, str]) -> Iterator[Flask]:
    """Yield the application, which makes a page for each scrape."""
    app = create_app(environ, metrics_seconds=0.001)
    yield app
    close_app(app)


def _get(client: FlaskClient, path: str, secret: str) -> int:
    return client.get(path, headers={"Authorization": f"Bearer {secret}"}).status_code


def test_keys_of_the_metrics(client: FlaskClient) -> None:
    """Any key that isn't bound to an account reads the metrics."""
    statuses = {
        secret: _get(client, "/metrics", secret)
        for secret in ("reader-secret", "metrics-secret", "bound-secret", "wrong")
    }
    assert list(statuses.values()) == [200, 200, 403, 401]
    assert client.get("/metrics").status_code == 401
    assert _get(client, "/metrics?a=b", "metrics-secret") == 400


def test_metrics_key_reads_nothing_else(app: Flask, client: FlaskClient) -> None:
    """A key with the scope `metrics` alone gets a 403 on every route that needs a key."""
    statuses = {}
    for rule in app.url_map.iter_rules():
        path = re.sub("<.*?>", "1", rule.rule)
        for method in (rule.methods or set()) & {"GET", "POST", "DELETE"}:
            headers = {"Authorization": "Bearer metrics-secret"}
            status = client.open(path, method=method, headers=headers).status_code
            statuses[method, path] = status, client.open(path, method=method).status_code
    with_key = {path: status for path, (status, without) in statuses.items() if without == 401}
    assert with_key.pop(("GET", "/metrics")) == 200
    assert len(with_key) > 10
    assert set(with_key.values()) == {403}


def test_metrics_key_signs_no_link(client: FlaskClient) -> None:
    """A link that somebody signed with the secret of such a key isn't valid."""
    key = ApiKey("metrics", "metrics-secret", frozenset({"metrics"}))
    token = make_token(key, "job", 2_000_000_000)
    assert client.get(f"/v3/Transcriptions/job/Transcript.vtt?token={token}").status_code == 403


def test_page_has_every_metric(app: Flask, read: Reader) -> None:
    """The page is in Prometheus's text format, and each metric has a help text and a type."""
    services_of(app).metrics.write()
    page = read("/metrics").text
    families = {family.name: family for family in text_string_to_metric_families(page)}
    assert families.keys() >= NAMES
    for name, family in families.items():
        assert family.documentation, name
        assert family.type in {"counter", "gauge", "histogram"}, name
    assert read("/metrics").headers["Content-Type"].startswith("text/plain; version=0.0.4")


def test_callbacks_are_counted_by_outcome(app: Flask, twilio: Twilio, read: Reader) -> None:
    """Each outcome of a callback is counted, with its reason."""
    for _ in range(2):
        twilio.call(callback("voice_transcription_1"))
    twilio.call(b"no JSON")
    twilio.call(callback("voice_transcription_1"), secret="wrong")
    twilio.call(b"x" * 3_000_000)
    services_of(app).metrics.write()
    page = read("/metrics").text
    counted = {
        (outcome, reason): value(page, "receiver_callbacks_total", labels)
        for outcome, reason in [
            ("applied", ""),
            ("quarantined", "undecodable"),
            ("rejected", "wrong_signature"),
            ("rejected", "too_large"),
            ("unavailable", "database"),
        ]
        for labels in [{"outcome": outcome, "reason": reason}]
    }
    assert list(counted.values()) == [2, 1, 1, 1, 0]
    assert value(page, "receiver_callback_body_bytes_bucket", {"le": "900000.0"}) == 3
    assert value(page, "receiver_callback_body_bytes_count") == 3


def test_labels_have_no_values_of_clients(app: Flask, client: FlaskClient, read: Reader) -> None:
    """Paths, ids, methods and queries that clients choose make no series of their own."""
    for path in ("/unknown", "/v3/unknown", "/%00", "//", "/a/callbacks/transcription"):
        client.get(path)
        client.open(path, method="PURGE")
    for job in ("1", "%22}", "a" * 3000):
        read(f"/v3/Transcriptions/{job}?{job}=1")
    client.post("/any/prefix/callbacks/transcription")
    services_of(app).metrics.write()
    families = text_string_to_metric_families(read("/metrics").text)
    labels = {
        pair for family in families for sample in family.samples for pair in sample.labels.items()
    }
    rules = {rule.rule for rule in app.url_map.iter_rules()} | {"other"}
    assert {route for name, route in labels if name == "route"} <= rules
    assert {status for name, status in labels if name == "status"} <= {
        *("200", "400", "403", "404", "405")
    }
    assert {name for name, _ in labels} <= {
        *("route", "status", "le", "outcome", "reason", "group", "kind", "table"),
        *("version", "schema"),
    }


def test_page_without_the_database() -> None:
    """While the database is away, the page says so, and has what the worker knows, but no counts.

    The counts of one worker would look like a restart of all.
    """
    app = create_app(ENVIRON)
    app.test_client().get("/healthz")
    services_of(app).metrics.write()
    response = app.test_client().get("/metrics", auth=("reader", "reader-secret"))
    assert response.status_code == 200
    assert value(response.text, "receiver_database_up") == 0
    assert value(response.text, "receiver_workers") == 1
    assert value(response.text, "receiver_callbacks_queued") == 0
    assert "receiver_http_requests_total" not in response.text
    close_app(app)
