"""Tests of query parameters that no route has."""

import re
from typing import get_args

import pytest
from flask import Flask
from flask.testing import FlaskClient

from receiver.settings.keys import ApiKey, Scope
from tests.support.environment import KEY, changed_settings
from tests.support.stored_callbacks import json_of


def test_every_route_of_the_api_rejects_an_unknown_parameter(
    app: Flask, client: FlaskClient
) -> None:
    """Each route under /v3 answers an unknown parameter with a 400 that names it."""
    routes = [
        (method, re.sub("<.*?>", "1", rule.rule))
        for rule in app.url_map.iter_rules()
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})
        if rule.rule.startswith("/v3/")
    ]
    assert len(routes) >= 7
    key = ApiKey("all", "all-secret", frozenset(get_args(Scope)))
    with changed_settings(app, api_keys=(key,), search=True):
        for method, path in routes:
            response = client.open(
                f"{path}?utm_source=x", method=method, auth=(key.name, key.secret), json={}
            )
            assert (method, path, response.status_code) == (method, path, 400)
            assert "utm_source: " in json_of(response)["detail"]


@pytest.mark.parametrize("path", ["/v3/Completeness", "/v3/Transcriptions/job"])
def test_route_without_parameters_says_so(client: FlaskClient, path: str) -> None:
    """A route that has no parameters says so."""
    response = client.get(f"{path}?hasTranscript=true", auth=KEY)
    assert json_of(response)["detail"] == "hasTranscript: This route has no query parameters."
