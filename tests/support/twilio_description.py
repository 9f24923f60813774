"""What Twilio's description of its API requires of the answers."""

import json
from typing import Any

import jsonschema_rs

from tests.support.paths import ROOT

_DESCRIPTION = json.loads((ROOT / "tests/samples/twilio_voice_v3.json").read_text())


def assert_as_described(name: str, document: Any) -> None:
    """Check that the document is as Twilio describes it, by the schema with this name."""
    schema = {**_DESCRIPTION, "$ref": f"#/$defs/{name}"}
    jsonschema_rs.Draft202012Validator(schema, validate_formats=True).validate(document)
