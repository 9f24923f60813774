"""The list of jobs, as a client of the read API requests it."""

from typing import Any
from urllib.parse import urlencode

from flask.testing import FlaskClient

from tests.support.stored_callbacks import json_of


def get_list(reader: FlaskClient, **parameters: Any) -> dict[str, Any]:
    """Return a page of the list of jobs."""
    response = reader.get(f"/v3/Transcriptions?{urlencode(parameters)}")
    assert response.status_code == 200

    return json_of(response)


def get_ids(reader: FlaskClient, **parameters: Any) -> list[str]:
    """Return the ids of a page's jobs."""
    return [job["id"] for job in get_list(reader, **parameters)["transcriptions"]]
