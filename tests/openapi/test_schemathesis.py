"""Tests the running server against the OpenAPI document with schemathesis."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, settings
from schemathesis import Case, CheckContext, CheckFunction, Response
from schemathesis.specs.openapi.checks import positive_data_acceptance
from sqlalchemy import Engine

from receiver.openapi.document import document
from receiver.runtime.failure_limiter import FailureLimiter
from receiver.services import install, services_of
from tests.support.environment import KEY, serve_app
from tests.support.samples import COMPLETED, ENVELOPE
from tests.support.stored_callbacks import callback, record_callback

schema = schemathesis.openapi.from_dict(document())

# These describe the connection, not the answer.
_CONNECTION_HEADERS = {
    *("connection", "content-length", "content-type", "date", "server", "transfer-encoding")
}


def declares_all_headers(_context: CheckContext, response: Response, case: Case[Any]) -> None:
    """Check that the document declares each header of the response."""
    described = case.operation.responses.find_by_status_code(response.status_code)
    if described is None or case.method.lower() != case.operation.method.lower():
        return  # other checks are for these
    undeclared = set(response.headers) - {name.lower() for name, _ in described.headers.items()}
    assert undeclared - _CONNECTION_HEADERS == set()


@pytest.fixture
def origin(app: Flask) -> Iterator[str]:
    """Yield the origin of the application, which is served on loopback."""
    with serve_app(app) as origin:
        yield origin


@pytest.fixture
def stored_jobs(engine: Engine) -> None:
    """Store some jobs, among them the one of the document's examples."""
    for body in (COMPLETED, ENVELOPE):
        record_callback(engine, body)
    record_callback(engine, callback("running", status="running"))
    record_callback(engine, callback("failed", status="failed"))


@schema.parametrize()
@pytest.mark.usefixtures("stored_jobs")
@settings(
    max_examples=15,
    # The requests are the same every time, so that failures can be reproduced.
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_responses_match_the_document(case: Case[Any], app: Flask, origin: str) -> None:
    """The response to any request is one that the document describes, and no server error."""
    # Each case also sends wrong keys, which must not be limited because of the cases before.
    install(app, replace(services_of(app), failed_keys=FailureLimiter()))
    # The schema can't describe which texts are tokens of the list, or cursors of an export.
    has_token = not {"pageToken", "cursor"}.isdisjoint(case.query or {})
    excluded: list[CheckFunction] = [positive_data_acceptance] if has_token else []
    case.call_and_validate(
        base_url=origin,
        auth=KEY,
        excluded_checks=excluded,
        additional_checks=[declares_all_headers],
    )
