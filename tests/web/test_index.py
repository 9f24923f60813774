"""The page at `/`, and what happens when the module is run as a program."""

import subprocess
import sys

from flask.testing import FlaskClient

from tests.support.paths import ROOT


def test_index_says_where_to_look(client: FlaskClient) -> None:
    """`/` answers everybody with a text that names the routes for people."""
    response = client.get("/")
    assert (response.status_code, response.mimetype) == (200, "text/plain")
    assert "openapi.json" in response.text
    assert client.get("/?x=1").text == response.text


def test_module_is_no_program() -> None:
    """`python app.py` exits with 1 and says how to start the service."""
    done = subprocess.run(
        [sys.executable, "app.py"], cwd=ROOT, env={}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "make run" in done.stderr
    assert "gunicorn" in done.stderr
