"""Events with planted personal values, and the search for these values in every place."""

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Engine

from receiver.privacy.erase import erase
from receiver.privacy.target import Target
from receiver.store.erasure.places import PLACES
from receiver.store.erasure.receipts import Receipt, Requester
from receiver.store.erasure.search import Needle, Scope, search
from receiver.store.event import Event
from receiver.store.jobs.fold import ERASURE, FoldInput, fold

REQUESTER = Requester(name="officer")


def planted(event: Event, number: int, *, has_address: bool = True) -> Event:
    """Return the event of a job of this number, with personal values in all of its members."""
    job, secret = f"job_{number}", secret_of(number)
    body = event.body + secret.encode()
    head: dict[str, Any] = {
        **(event.head or {}),
        "id": job,
        "source_id": secret,
        "additional": {"error": {"text": secret}},
    }
    if has_address:
        head |= {
            "participants": [{"name": secret, "address": address_of(number)}],
            "conversation_id": conversation_of(number),
        }
        body += f" {address_of(number)} {conversation_of(number)}".encode()

    return replace(
        event,
        job_id=job,
        head=head,
        body=body,
        sha256=hashlib.sha256(event.sha256 + job.encode()).digest(),
        url=f"https://user:{secret}@example.com/",
        signature=secret,
        content_type=f"text/{secret}",
        idempotency_token=secret,
        detail=secret,
    )


def secret_of(number: int) -> str:
    """Return what a search must not find when the job is erased."""
    return f"secret-{number}-of-Jane"


def address_of(number: int) -> str:
    """Return the address of the job's participant."""
    return f"+1555{number:07}"


def conversation_of(number: int) -> str:
    """Return the job's conversation."""
    return f"conv_{number}_"


def target_of(kind: Any, number: int) -> Target:
    """Return the target that erases the job of this number."""
    values = {
        "job": f"job_{number}",
        "address": address_of(number),
        "conversation": conversation_of(number),
    }

    return Target(kind, values[kind])


def erase_target(engine: Engine, target: Target) -> Receipt:
    """Erase the target from the database."""
    return erase(engine, target, REQUESTER, spool=None)


def found_places(engine: Engine, values: Iterable[str]) -> list[str]:
    """Return where any place of the database contains one of the values, in any spelling."""
    needle = _any_of([Needle.of_text(value) for value in values])

    return [
        f"{table.name}.{column}"
        for table, columns in PLACES.items()
        for hit in search(engine, Scope(table, columns), needle)
        for column in hit.columns
    ]


def _any_of(needles: Sequence[Needle]) -> Needle:
    """Return the needle that finds what any of these finds, with a single search."""
    spellings = tuple(spelling for needle in needles for spelling in needle.spellings)

    return Needle(spellings, re.compile(b"|".join(needle.pattern.pattern for needle in needles)))


def personal_values(number: int) -> list[str]:
    """Return everything personal of the job of this number."""
    return [secret_of(number), address_of(number), conversation_of(number)]


def erased_row(delivered: Iterable[Event]) -> dict[str, Any]:
    """Return the fold of the events with an erasure, whose time is left out."""
    first: dict[bytes, Event] = {}
    for event in sorted(delivered, key=lambda event: event.received_at):
        first.setdefault(event.sha256, event)
    inputs = [
        FoldInput(event.sha256, event.source, event.received_at, event.head or {})
        for event in first.values()
    ]
    erasure = FoldInput(b"erasure", ERASURE, inputs[0].received_at, {})

    return without_time(fold([*inputs, erasure]))


def without_time(row: dict[str, Any]) -> dict[str, Any]:
    """Return the row without the time of its erasure."""
    return {name: value for name, value in row.items() if name != "erased_at"}
