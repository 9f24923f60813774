"""The OpenAPI document: every route is in it, and nothing else."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import jsonschema_rs
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine

from receiver.lookup.openapi import document
from tests.lookup.telling import callback, tell, told

_METHODS = {"GET", "POST", "PUT", "PATCH", "DELETE"}


def _described() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield method, path and operation, the names of a path's parameters left out."""
    for path, operations in document()["paths"].items():
        for method, operation in operations.items():
            yield method.upper(), re.sub(r"\{.*?\}", "{}", path), operation


def test_the_document_and_the_routes_agree(app: Flask) -> None:
    """What the application answers is described, and what is described it answers."""
    routes = {
        (method, re.sub("<.*?>", "{}", rule.rule).replace("//", "/"))
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) & _METHODS
    }
    assert {(method, path) for method, path, _ in _described()} == routes


def test_the_document_says_who_may_come_in(stranger: FlaskClient) -> None:
    """Without credentials 200 is what the operations without security answer, and only they."""
    for method, path, operation in _described():
        response = stranger.open(path.replace("{}", "1"), method=method)
        assert (operation["security"] == []) == (response.status_code == 200)
        assert str(response.status_code) in operation["responses"]


def test_anybody_may_read_it(stranger: FlaskClient) -> None:
    """It is OpenAPI 3.1, needs no key, and tells the server's address."""
    described = told(stranger.get("/openapi.json"))
    assert described["openapi"] == "3.1.0"
    assert described["servers"] == [{"url": "http://localhost"}]
    assert described["paths"] == json.loads(json.dumps(document()["paths"]))


def test_the_address_is_public_url(
    app: Flask, stranger: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With PUBLIC_URL set that is where the paths begin; its password is for nobody to read."""
    settings = replace(
        app.extensions["settings"], public_url="https://user:pass@example.com/twilio"
    )
    monkeypatch.setitem(app.extensions, "settings", settings)
    described = told(stranger.get("/openapi.json"))
    assert described["servers"] == [{"url": "https://example.com/twilio"}]


def test_every_operation_has_a_name_of_its_own() -> None:
    """Generators name their functions by `operationId`."""
    names = [operation["operationId"] for _, _, operation in _described()]
    assert len(set(names)) == len(names)


def test_every_schema_is_valid_json_schema() -> None:
    """Each component compiles as JSON Schema 2020-12, patterns and references included."""
    components = document()["components"]
    for name in components["schemas"]:
        schema = {"$ref": f"#/components/schemas/{name}", "components": components}
        jsonschema_rs.Draft202012Validator(schema, pattern_options=None)


def test_answers_are_open_to_additions() -> None:
    """No component refuses members that a later version adds."""
    for schema in document()["components"]["schemas"].values():
        assert schema.get("additionalProperties") is not False


def test_a_problem_is_what_the_document_says(client: FlaskClient, engine: Engine) -> None:
    """A 400 with its faults fits the problem's schema."""
    tell(engine, callback("job"))
    components = document()["components"]
    schema = {"$ref": "#/components/schemas/Problem", "components": components}
    problem = told(client.get("/v3/Transcriptions?status=x"))
    jsonschema_rs.Draft202012Validator(schema).validate(problem)
