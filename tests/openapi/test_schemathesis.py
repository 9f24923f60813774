"""The document against the running server, by what schemathesis makes of it."""

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, settings
from schemathesis import Case, CheckFunction
from schemathesis.specs.openapi.checks import positive_data_acceptance
from sqlalchemy import Engine

from receiver.openapi.document import document
from tests.support.environment import KEY, serve_app
from tests.support.paths import ROOT
from tests.support.stored_callbacks import callback, record_callback

SAMPLES = ROOT / "tests" / "samples"

schema = schemathesis.openapi.from_dict(document())


@pytest.fixture
def origin(app: Flask) -> Iterator[str]:
    """Yield the origin under which the application is served, on loopback."""
    with serve_app(app) as origin:
        yield origin


@pytest.fixture
def jobs(engine: Engine) -> None:
    """Put some jobs in, the one of the document's examples among them."""
    for name in ("completed_flat", "fetch_envelope"):
        record_callback(engine, (SAMPLES / f"{name}.json").read_bytes())
    record_callback(engine, callback("running", status="running"))
    record_callback(engine, callback("failed", status="failed"))


@schema.parametrize()
@pytest.mark.usefixtures("jobs")
@settings(
    max_examples=15,
    # The same requests every time: a fault is not to be met by chance.
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_the_server_is_what_its_document_says(case: Case[Any], origin: str) -> None:
    """Whatever is sent, the answer is one of those described, and no fault of the server's."""
    # No description can tell which text is a token of the list.
    opaque = "pageToken" in (case.query or {})
    excluded: list[CheckFunction] = [positive_data_acceptance] if opaque else []
    case.call_and_validate(base_url=origin, auth=KEY, excluded_checks=excluded)
