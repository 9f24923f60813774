"""The query of a request, validated by a schema; every fault is told in one answer."""

from collections.abc import Mapping
from typing import Any

from flask import request
from marshmallow import ValidationError

from receiver.web.problems import ProblemError
from schemas.query import Query


def arguments(query: Query) -> dict[str, Any]:
    """Return the request's parameters as the schema loads them; raises Problem 400."""
    try:
        return query.read(list(request.args.items(multi=True)))
    except ValidationError as error:
        raise refusal(error.messages_dict) from None


def refusal(faults: Mapping[str, list[str]]) -> ProblemError:
    """Return the 400 that tells the faults of each parameter, and points at it."""
    pairs = [(name, fault) for name, texts in faults.items() for fault in texts]
    errors = [{"detail": fault, "pointer": f"/{name}"} for name, fault in pairs]

    return ProblemError(400, " ".join(f"{name}: {fault}" for name, fault in pairs), errors=errors)
