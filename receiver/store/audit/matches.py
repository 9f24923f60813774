"""Reads the bodies with the transcripts of a page of search results, each with its audit row."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Connection,
    Text,
    bindparam,
    cast,
    column,
    func,
    null,
    or_,
    select,
)

from receiver.store.audit.access import Access, audited
from receiver.store.tables import events, transcriptions

_job = transcriptions.c

# What is read for one page. A body alone may be larger.
PAGE_BYTES = 512 * 1024


class MatchedText(NamedTuple):
    """A job's body; `is_cut` if others that were asked for were left out."""

    job_id: str
    conversation_url: str | None
    body: bytes
    is_cut: bool


def _statement() -> Any:
    wanted = (
        func.unnest(bindparam("job_ids", type_=ARRAY(Text)))
        .table_valued(column("id", Text), with_ordinality="number")
        .render_derived()
    )
    number = wanted.c.number
    stored = (
        select(
            _job.id,
            _job.conversation_url,
            events.c.body,
            number,
            func.sum(events.c.body_bytes).over(order_by=number).label("bytes_so_far"),
            func.row_number().over(order_by=number).label("position"),
            func.count().over().label("count"),
        )
        .select_from(wanted)
        .join(transcriptions, _job.id == wanted.c.id)
        .join(events, events.c.sha256 == _job.transcript_sha256)
        .where(
            _job.account_id == func.coalesce(bindparam("account_id", type_=Text), _job.account_id),
            _job.erased_at.is_(None),
            events.c.body.is_not(None),
        )
        .cte("stored")
    )
    is_chosen = or_(
        stored.c.bytes_so_far <= bindparam("max_bytes", type_=BigInteger), stored.c.position == 1
    )
    found = (
        select(
            stored.c.id.label("job_id"),
            cast(null(), BigInteger).label("callback_id"),
            *(stored.c[name] for name in ("conversation_url", "body", "position", "count")),
        )
        .where(is_chosen)
        .cte("found")
    )
    is_cut = func.max(found.c.position).over() < found.c.count
    columns = (found.c.job_id, found.c.conversation_url, found.c.body, is_cut)

    return audited(found, *columns).order_by(found.c.position)


_READ_MATCHES = _statement()


def read_matches(
    connection: Connection,
    job_ids: Sequence[str],
    *,
    account_id: str | None,
    access: Access,
    max_bytes: int = PAGE_BYTES,
) -> list[MatchedText]:
    """Return the first of these jobs' bodies, up to `max_bytes` together, in the given order.

    Jobs without a stored transcript are left out; `account_id` limits them to one account's.
    """
    values = {"job_ids": list(job_ids), "account_id": account_id, "max_bytes": max_bytes}
    rows = connection.execute(_READ_MATCHES, {**values, **access.parameters})

    return [MatchedText(*row) for row in rows]
