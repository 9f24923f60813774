"""Tests of reading while the database is unavailable."""

import pytest
from werkzeug.datastructures import Authorization

from app import create_app
from tests.support.environment import ENVIRON, KEY


@pytest.mark.parametrize("path", ["", "/job", "/job/Transcript", "/job/Callbacks"])
def test_unavailable_database_is_503_with_retry_after(path: str) -> None:
    """A read without a database is a 503 problem with Retry-After at the deadline."""
    app = create_app(ENVIRON, request_seconds=0.2)
    key = Authorization("bearer", token=KEY[1])
    response = app.test_client().get(f"/v3/Transcriptions{path}", auth=key)
    assert (response.status_code, response.content_type) == (503, "application/problem+json")
    assert int(response.headers["Retry-After"]) > 0
    assert response.headers["Cache-Control"] == "no-store"
    assert "database" in response.text
