"""Reading while the database is away."""

import pytest
from werkzeug.datastructures import Authorization

from app import create_app
from receiver.deadline import Bounded
from tests.environment import ENVIRON


@pytest.mark.parametrize("path", ["", "/job", "/job/Transcript", "/job/Callbacks"])
def test_a_reader_is_told_to_ask_again(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the database doesn't answer before the deadline, the answer is a 503 problem."""
    app = create_app(ENVIRON)
    assert isinstance(app.wsgi_app, Bounded)
    monkeypatch.setattr(app.wsgi_app, "seconds", 0.2)
    key = Authorization("bearer", token="s3cret")
    response = app.test_client().get(f"/v3/Transcriptions{path}", auth=key)
    assert (response.status_code, response.content_type) == (503, "application/problem+json")
    assert int(response.headers["Retry-After"]) > 0
    assert "database" in response.text
