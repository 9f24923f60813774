"""Builds the OpenAPI 3.1 document from the operations and the schemas that they use."""

from functools import cache
from typing import Any

from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from apispec.ext.marshmallow.openapi import OpenAPIConverter
from marshmallow import fields

from receiver.openapi.components import SECURITY_SCHEMES
from receiver.openapi.operations import OPERATIONS

TITLE = "Transcription receiver"
# Twilio's version: paths, properties and paging are those of its v3 API.
VERSION = "3"


@cache
def document() -> dict[str, Any]:
    """Return the document without the server's address."""
    spec = APISpec(TITLE, VERSION, "3.1.0", [_Plugin()])
    for name, scheme in SECURITY_SCHEMES.items():
        spec.components.security_scheme(name, scheme)
    for path, operations in OPERATIONS.items():
        spec.path(path, operations=operations)

    return spec.to_dict()


class _Converter(OpenAPIConverter):
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
