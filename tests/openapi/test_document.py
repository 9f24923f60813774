"""The OpenAPI document: every route is in it, and nothing else."""

import json
import re
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest
from flask import Flask
from flask.testing import FlaskClient

from receiver.openapi.document import document
from tests.support.app import Reader
from tests.support.environment import changed_settings
from tests.support.stored_callbacks import json_of

_METHODS = {"GET", "POST", "PUT", "PATCH", "DELETE"}


def _described() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield method, path and operation, the names of a path's parameters left out."""
    for path, operations in document()["paths"].items():
        for method, operation in operations.items():
            yield method.upper(), re.sub(r"\{.*?\}", "{}", path), operation


def test_the_document_and_the_routes_agree(app: Flask) -> None:
    """What the application answers is described, and what is described it answers."""
    routes = {
        # The callback's route is there with a second slash and below a prefix too.
        (
            method,
            re.sub("<.*?>", "{}", re.sub("^/(<string[^/]*>)?(/<string[^/]*>)?/", "/", rule.rule)),
        )
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) & _METHODS
    }
    assert {(method, path) for method, path, _ in _described()} == routes


def test_the_document_says_who_may_come_in(client: FlaskClient) -> None:
    """Without credentials 200 is what the operations without security answer, and only they."""
    for method, path, operation in _described():
        response = client.open(path.replace("{}", "1"), method=method)
        assert (operation["security"] == []) == (response.status_code == 200)
        assert str(response.status_code) in operation["responses"]


def test_anybody_may_read_it(client: FlaskClient) -> None:
    """It is OpenAPI 3.1 and needs no key."""
    described = json_of(client.get("/openapi.json"))
    assert described["openapi"] == "3.1.0"
    assert described["paths"] == json.loads(json.dumps(document()["paths"]))


@pytest.mark.parametrize(
    ("public_url", "server"),
    [
        (None, "http://localhost"),
        ("https://user:pass@example.com/twilio", "https://example.com/twilio"),
    ],
)
def test_it_tells_the_servers_address(
    app: Flask,
    client: FlaskClient,
    public_url: str | None,
    server: str,
) -> None:
    """With PUBLIC_URL set that is where the paths begin; its password is for nobody to read."""
    with changed_settings(app, public_url=public_url):
        response = client.get("/openapi.json")
    assert json_of(response)["servers"] == [{"url": server}]


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
    """No component refuses members that a later version adds, but for what a client sends."""
    closed = {
        name
        for name, schema in document()["components"]["schemas"].items()
        if schema.get("additionalProperties") is False
    }
    assert closed == {"Submission", "Participant"}


def test_a_problem_is_what_the_document_says(read: Reader) -> None:
    """A 400 with its faults fits the problem's schema."""
    components = document()["components"]
    schema = {"$ref": "#/components/schemas/Problem", "components": components}
    problem = json_of(read("/v3/Transcriptions?status=x"))
    assert problem["errors"]
    jsonschema_rs.Draft202012Validator(schema).validate(problem)
