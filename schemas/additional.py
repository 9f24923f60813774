"""Members of a callback's head that no schema has, such as an `error`: passed on as they are."""

from collections.abc import Collection
from typing import Any

from marshmallow import ValidationError

from schemas.storable import measure

# The size of all these members of a job, in characters and elements. A list page contains a hundred
# jobs.
MAX_ADDITIONAL_SIZE = 4096

# Not passed on: a job has its own `url`, the envelope describes the request, and `communications`
# are those of which a conversation's transcript was made.
_OMITTED = frozenset({"url", "operationId", "statusUrl", "communications"})


def additional_members(
    document: dict[str, Any], known: Collection[str]
) -> tuple[dict[str, Any] | None, int]:
    """Return the members that aren't `known`, None without any, and how many were left out.

    Null is passed over. A member is left out if it can't be stored, or if it is too large together
    with those before it.
    """
    members: dict[str, Any] = {}
    room, left_out_count = MAX_ADDITIONAL_SIZE, 0
    for name, value in document.items():
        if name in known or name in _OMITTED or value is None:
            continue
        try:
            room -= measure({name: value}, room)
        except ValidationError:
            left_out_count += 1
        else:
            members[name] = value

    return members or None, left_out_count
