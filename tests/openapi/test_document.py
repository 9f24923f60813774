"""Tests that the OpenAPI document describes every route and nothing else."""

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


def _operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield method, path and operation; the names of the path's parameters are left out."""
    for path, operations in document()["paths"].items():
        for method, operation in operations.items():
            yield method.upper(), re.sub(r"\{.*?\}", "{}", path), operation


def test_document_has_exactly_the_routes(app: Flask) -> None:
    """The document describes exactly the application's routes, except the pages for people."""
    routes = {
        # The callback's route exists with a second slash and below a prefix too.
        (
            method,
            re.sub("<.*?>", "{}", re.sub("^/(<path:[^/]*>)?/", "/", rule.rule)),
        )
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) & _METHODS
        if rule.rule != "/" and not rule.rule.startswith("/console/")
    }
    assert {(method, path) for method, path, _ in _operations()} == routes


def test_document_says_which_operations_are_public(client: FlaskClient) -> None:
    """Only the operations without security return 200 to a request without credentials."""
    for method, path, operation in _operations():
        response = client.open(path.replace("{}", "1"), method=method)
        assert (operation["security"] == []) == (response.status_code == 200)
        assert str(response.status_code) in operation["responses"]


def test_document_is_public(client: FlaskClient) -> None:
    """The document is OpenAPI 3.1 and needs no key."""
    published = json_of(client.get("/openapi.json"))
    assert published["openapi"] == "3.1.0"
    assert published["paths"] == json.loads(json.dumps(document()["paths"]))


@pytest.mark.parametrize(
    ("public_url", "server"),
    [
        (None, "http://localhost"),
        ("https://user:pass@example.com/twilio", "https://example.com/twilio"),
    ],
)
def test_document_has_the_servers_url(
    app: Flask,
    client: FlaskClient,
    public_url: str | None,
    server: str,
) -> None:
    """The server's URL is PUBLIC_URL without its password, else the request's origin."""
    with changed_settings(app, public_url=public_url):
        response = client.get("/openapi.json")
    assert json_of(response)["servers"] == [{"url": server}]


def test_operation_ids_are_unique() -> None:
    """Each `operationId` is unique, because generators name functions by it."""
    names = [operation["operationId"] for _, _, operation in _operations()]
    assert len(set(names)) == len(names)


def test_every_operation_has_one_described_tag() -> None:
    """Each operation has one tag, which the document describes, and a description."""
    tags = {tag["name"]: tag["description"] for tag in document()["tags"]}
    assert all(tags.values())
    for _, _, operation in _operations():
        [tag] = operation["tags"]
        assert tag in tags
        assert operation["description"]


def test_linters_find_nothing() -> None:
    """What redocly and spectral warn of: each component is used, each operation has a 4xx."""
    text = json.dumps(document())
    for kind in ("headers", "responses", "schemas"):
        for name in document()["components"][kind]:
            assert f'"#/components/{kind}/{name}"' in text
    for _, _, operation in _operations():
        assert any(status.startswith("4") for status in operation["responses"])
    assert {"description", "contact", "license"} <= document()["info"].keys()


def _described_parts() -> Iterator[tuple[str, Any]]:
    """Yield each part that a reader may ask about, with its place: all need a description."""
    components = document()["components"]
    for kind in ("headers", "responses", "securitySchemes", "schemas"):
        yield from components[kind].items()
    for name, schema in components["schemas"].items():
        # A reference leads to a schema with a description.
        for member, described in schema["properties"].items():
            if "$ref" not in described and "anyOf" not in described:
                yield f"{name}.{member}", described
    for method, path, operation in _operations():
        parts = operation["responses"].values()
        for part in (*operation.get("parameters", ()), *parts, operation.get("requestBody")):
            if part and "$ref" not in part:
                yield f"{method} {path}", part


def test_every_part_has_a_description() -> None:
    """Each parameter, body, response, header, schema and property has a description."""
    assert [place for place, part in _described_parts() if not part.get("description")] == []


def test_every_schema_is_valid_json_schema() -> None:
    """Each component is valid JSON Schema 2020-12, with its patterns and references."""
    components = document()["components"]
    for name in components["schemas"]:
        schema = {"$ref": f"#/components/schemas/{name}", "components": components}
        jsonschema_rs.Draft202012Validator(schema, pattern_options=None)


def test_only_request_schemas_forbid_unknown_members() -> None:
    """Only the components of requests forbid unknown members; those of responses allow them."""
    schemas = document()["components"]["schemas"]
    allowed = {name: schema.get("additionalProperties") for name, schema in schemas.items()}
    requests = {name: allowed.pop(name) for name in ("Submission", "Participant", "Head")}
    assert requests == {"Submission": False, "Participant": False, "Head": None}
    assert set(allowed.values()) == {True}


def test_problem_matches_its_schema(read: Reader) -> None:
    """A 400 problem with errors matches the schema of problems."""
    components = document()["components"]
    schema = {"$ref": "#/components/schemas/Problem", "components": components}
    problem = json_of(read("/v3/Transcriptions?status=x"))
    assert problem["errors"]
    jsonschema_rs.Draft202012Validator(schema).validate(problem)
