"""Parses a request's query string with a schema; one response lists all errors."""

from collections.abc import Mapping, Sequence
from typing import Any

from flask import request
from marshmallow import ValidationError

from receiver.web.problems import ProblemError
from schemas.query import Query
from schemas.submission import escape_member

_NO_PARAMETERS = Query()


def parse_arguments(query: Query) -> dict[str, Any]:
    """Return the request's query parameters as the schema loads them; raises ProblemError 400."""
    return parse_pairs(query, list(request.args.items(multi=True)))


def parse_pairs(query: Query, pairs: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """Return parameters as the schema loads them, those of a form too; raises ProblemError 400."""
    try:
        return query.read(pairs)
    except ValidationError as error:
        raise invalid_arguments(error.messages_dict) from None


def require_no_arguments() -> None:
    """Raise ProblemError 400 if the request has query parameters, for a route that has none."""
    if request.query_string:
        parse_arguments(_NO_PARAMETERS)


def invalid_arguments(errors: Mapping[str, list[str]]) -> ProblemError:
    """Return the 400 for the errors of each parameter, with a pointer to each parameter."""
    pairs = [(name, text) for name, texts in errors.items() for text in texts]
    members = [{"detail": text, "pointer": f"/{escape_member(name)}"} for name, text in pairs]

    return ProblemError(400, " ".join(f"{name}: {text}" for name, text in pairs), errors=members)
