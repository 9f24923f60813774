"""Builds the OpenAPI 3.1 document from the operations and the schemas that they use."""

import inspect
from functools import cache
from typing import Any

from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from apispec.ext.marshmallow.openapi import OpenAPIConverter
from marshmallow import Schema, fields

from receiver.openapi.headers import HEADERS
from receiver.openapi.operations import OPERATIONS
from receiver.openapi.property_descriptions import PROPERTY_DESCRIPTIONS
from receiver.openapi.push import MESSAGE, WEBHOOKS
from receiver.openapi.responses import ERROR_RESPONSES
from receiver.openapi.security import SECURITY_SCHEMES
from receiver.openapi.tags import TAGS
from schemas.push import PushMessage

TITLE = "Transcription receiver"
# Twilio's version: paths, properties and paging are those of its v3 API.
VERSION = "3"
_INFO = {
    "description": "Receives Twilio's Batch Transcription callbacks, stores every signed body, and "
    "returns the jobs and their transcripts. Resources, filters, paging and errors are those of "
    "Twilio's own API. Clients must ignore members that they don't know.",
    "contact": {"name": "The operator of this service"},
    "license": {"name": "The terms of the operator", "identifier": "LicenseRef-Operator"},
}


@cache
def document() -> dict[str, Any]:
    """Return the document without the server's address."""
    spec = APISpec(TITLE, VERSION, "3.1.0", [_Plugin()], info=_INFO, webhooks=WEBHOOKS)
    for name, description in TAGS.items():
        spec.tag({"name": name, "description": description})
    for name, scheme in SECURITY_SCHEMES.items():
        spec.components.security_scheme(name, scheme)
    for name, header in HEADERS.items():
        spec.components.header(name, header)
    for name, error in ERROR_RESPONSES.items():
        spec.components.response(name, error, lazy=True)
    for path, operations in OPERATIONS.items():
        spec.path(path, operations=operations)
    spec.components.schema(MESSAGE, schema=PushMessage)

    return spec.to_dict()


class _Converter(OpenAPIConverter):
    def schema2jsonschema(self, schema: type[Schema] | Schema) -> dict[str, Any]:
        """Describe the schema with the first paragraph of its docstring, and its properties."""
        described: dict[str, Any] = super().schema2jsonschema(schema)  # type: ignore[no-untyped-call]
        for name, described_property in described["properties"].items():
            if name in PROPERTY_DESCRIPTIONS:
                described_property.setdefault("description", PROPERTY_DESCRIPTIONS[name])
        text = inspect.getdoc(schema if isinstance(schema, type) else type(schema)) or ""

        return described | {"description": " ".join(text.partition("\n\n")[0].split())}

    def field2pattern(self, field: fields.Field[Any], **kwargs: Any) -> dict[str, str]:
        r"""Translate a pattern to JavaScript's syntax, as JSON Schema requires.

        JavaScript has no `\Z`, and it searches where Python's `match` is anchored at the start.
        """
        pattern = super().field2pattern(field, **kwargs).get("pattern", "")
        if pattern.endswith(r"\Z"):
            pattern = f"^{pattern[:-2]}$"

        return {"pattern": pattern} if pattern else {}


class _Plugin(MarshmallowPlugin):
    Converter = _Converter
