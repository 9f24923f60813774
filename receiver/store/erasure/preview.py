"""Counts what an erasure will find by its indexes, before anybody confirms it."""

import re
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, and_, func, or_, select, text, union

from receiver.store.erasure.matching import is_of, same_recordings
from receiver.store.jobs.fold import ERASURE
from receiver.store.tables import events, transcriptions

# Fewer digits would fit half of all numbers.
MIN_DIGITS = 4

_ENDING_IN = text("""
SELECT count(DISTINCT address #>> '{}') AS addresses, count(DISTINCT id) AS jobs
FROM transcriptions, jsonb_path_query(participants, '$[*].address') AS address
WHERE right(regexp_replace(address #>> '{}', '[^0-9]', '', 'g'), length(:digits)) = :digits
""")


class Preview(NamedTuple):
    """How many jobs have the value and aren't erased, and what was received about them.

    A job's time is that of its creation, or of its first event.
    """

    jobs: int
    first_at: datetime | None
    last_at: datetime | None
    events: int
    bodies: int


class Similar(NamedTuple):
    """How many addresses end in some digits, and how many jobs have them."""

    addresses: int
    jobs: int


def preview(connection: Connection, kind: str, value: str) -> Preview:
    """Count the jobs of a target of `erase`, with all jobs of the same recording."""
    is_unerased = and_(_is_concerned(connection, kind, value), transcriptions.c.erased_at.is_(None))
    # The columns have different collations, and an index has that of its column.
    job_ids = select(transcriptions.c.id.collate("default")).where(is_unerased)
    named: ColumnElement[bool] = events.c.job_id.in_(job_ids)
    if kind == "job":  # quarantined callbacks may claim an id that no job has
        named = or_(named, events.c.job_id.in_(same_recordings(connection, [value])))
    counted = select(func.count(), func.count(events.c.body)).where(
        named, events.c.erased_at.is_(None), events.c.source != ERASURE
    )
    sort_at = transcriptions.c.sort_at
    jobs = select(func.count(), func.min(sort_at), func.max(sort_at)).where(is_unerased)

    number, first_at, last_at = connection.execute(jobs).one()
    event_number, body_number = connection.execute(counted).one()

    return Preview(number, first_at, last_at, event_number, body_number)


def copies_elsewhere(connection: Connection, kind: str, value: str) -> list[str]:
    """Return where other copies of a target's jobs are, because an erasure removes these columns.

    They are the ids of recordings and conversations at Twilio, and the media URLs, without their
    queries, which may contain a secret.
    """
    job = transcriptions.c
    found = [
        select(column).where(_is_concerned(connection, kind, value), column.is_not(None))
        for column in (job.source_id, job.conversation_id, job.media_url)
    ]

    return sorted({_without_secrets(each) for each in connection.scalars(union(*found))})


def _without_secrets(copy: str) -> str:
    """Return an id as it is, and a URL without its user, query and fragment."""
    scheme, separator, rest = re.split("[?#]", copy, maxsplit=1)[0].partition("://")
    if not separator:
        return scheme
    authority, slash, path = rest.partition("/")

    return f"{scheme}://{authority.rpartition('@')[2]}{slash}{path}"


def similar_addresses(connection: Connection, address: str) -> Similar | None:
    """Count the addresses that end in the digits of this one; None if it has too few digits.

    A zero in front of a national number isn't a part of the international one.
    """
    digits = re.sub("[^0-9]", "", address).lstrip("0")
    if len(digits) < MIN_DIGITS:
        return None

    return Similar(*connection.execute(_ENDING_IN, {"digits": digits}).one())


def _is_concerned(connection: Connection, kind: str, value: str) -> ColumnElement[bool]:
    if kind == "job":
        return transcriptions.c.id.in_(same_recordings(connection, [value]))

    return is_of("address" if kind == "address" else "conversation", value)
