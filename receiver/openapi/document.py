"""The OpenAPI 3.1 document: the operations, and the schemas that they name, as components."""

from functools import cache
from typing import Any

from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from apispec.ext.marshmallow.openapi import OpenAPIConverter
from marshmallow import fields

from receiver.openapi.operations import OPERATIONS, SECURITY


@cache
def document() -> dict[str, Any]:
    """Return the document, complete but for the server's address."""
    # The version is Twilio's: paths, properties and paging are those of its v3.
    spec = APISpec(
        "Batch Transcriptions, as Twilio's callbacks told them", "3", "3.1.0", [_Plugin()]
    )
    for name, scheme in SECURITY.items():
        spec.components.security_scheme(name, scheme)
    for path, operations in OPERATIONS.items():
        spec.path(path, operations=operations)

    return spec.to_dict()


class _Converter(OpenAPIConverter):
    def field2pattern(self, field: fields.Field[Any], **kwargs: Any) -> dict[str, str]:
        r"""Write patterns as JavaScript does, which knows no `\Z` and searches where we match."""
        pattern = super().field2pattern(field, **kwargs).get("pattern", "")
        if pattern.endswith(r"\Z"):
            pattern = f"^{pattern[:-2]}$"

        return {"pattern": pattern} if pattern else {}


class _Plugin(MarshmallowPlugin):
    Converter = _Converter
