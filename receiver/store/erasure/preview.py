"""Counts what an erasure will find by its indexes, before anybody confirms it."""

import re
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
    """How many jobs have the value and aren't erased, and what was received about them."""

    jobs: int
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
    jobs = select(func.count()).select_from(transcriptions).where(is_unerased)

    return Preview(connection.execute(jobs).scalar_one(), *connection.execute(counted).one())


def ids_at_twilio(connection: Connection, kind: str, value: str) -> list[str]:
    """Return the ids of the recordings and conversations of a target's jobs, which are erased."""
    job = transcriptions.c
    ids = [
        select(column).where(_is_concerned(connection, kind, value), column.is_not(None))
        for column in (job.source_id, job.conversation_id)
    ]

    return sorted(connection.scalars(union(*ids)))


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
