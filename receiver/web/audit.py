"""Describes the current request for the audit of reads.

Every view that answers with a transcript or a body, also with a 304 for one, passes this to the
statement that reads it (receiver.store.audit.texts).
"""

from flask import g

from receiver.runtime.request_id import current_request_id
from receiver.store.audit.access import Access, Route


def describe_access(route: Route, format_name: str, *, status: int) -> Access:
    """Return who reads what, for the audit; a request with a link reads as the link's API key."""
    return Access(
        reader=g.api_key.name,
        route=route,
        format=format_name,
        status=status,
        request_id=current_request_id(),
    )
