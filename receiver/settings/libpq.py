"""Asks libpq, Postgres's own client library, what it makes of a URL; nothing is connected.

The library comes with psycopg, which must be imported after gevent has patched a process. In
gunicorn's master nothing is ever patched, and its workers inherit what it imports. So a process
that hasn't imported psycopg asks in a child process.
"""

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing import get_context
from urllib.parse import unquote

# Values are checked when a connection begins. A device has no folders, so the connection ends then.
_NO_HOST = f"{os.devnull}/none"


@dataclass(frozen=True)
class Answer:
    """What libpq makes of a URL.

    `hosts` and `ports` are as libpq reads them, with an empty text where it takes its default;
    `hosts` is None if it can't read the URL. `unknown` are the names of options that it doesn't
    have, `wrong` those of options whose value it refuses.
    """

    hosts: list[str] | None
    ports: list[str]
    unknown: list[str]
    wrong: list[str]


def ask(url: str, options: Sequence[str]) -> Answer:
    """Return what libpq makes of a URL, whose query has these options (`name=value`, escaped)."""
    if "psycopg" in sys.modules:
        return _ask(url, options)
    # A pool of processes would need shared memory, which another user may have filled.
    context = get_context("fork")
    answers, sender = context.Pipe(duplex=False)
    child = context.Process(target=lambda: sender.send(_ask(url, options)))
    child.start()
    sender.close()
    with answers:
        answer: Answer = answers.recv()
    child.join()

    return answer


def _ask(url: str, options: Sequence[str]) -> Answer:
    unknown = [_name(option) for option in options if _parse(f"postgresql:///?{option}") is None]
    parsed = _parse(url)
    if unknown or parsed is None:
        return Answer(None, [], unknown, [])

    return Answer(
        parsed.get("host", "").split(","),
        parsed.get("port", "").split(","),
        unknown,
        _wrong_options(options),
    )


def _name(option: str) -> str:
    return unquote(option.partition("=")[0])


def _parse(url: str) -> dict[str, str] | None:
    from psycopg import ProgrammingError  # noqa: PLC0415 - see above
    from psycopg.conninfo import conninfo_to_dict  # noqa: PLC0415 - see above

    try:
        return {name: str(value) for name, value in conninfo_to_dict(url).items()}
    except ProgrammingError:
        return None


def _wrong_options(options: Sequence[str]) -> list[str]:
    """Return the names of the options whose values libpq refuses; they may depend on each other."""
    values = _parse(f"postgresql:///?{'&'.join(options)}") or {}
    for name in ("host", "hostaddr", "port"):
        values.pop(name, None)
    accepted = _connection_error({})
    if _connection_error(values) == accepted:
        return []
    culprits = [
        name
        for name in values
        if _connection_error({k: v for k, v in values.items() if k != name}) == accepted
    ]

    return culprits or list(values)


def _connection_error(values: dict[str, str]) -> bytes:
    """Return libpq's error of a connection that can't be opened, or of values that are wrong."""
    from psycopg.conninfo import make_conninfo  # noqa: PLC0415 - see above
    from psycopg.pq import PGconn  # noqa: PLC0415 - see above

    connection = PGconn.connect_start(make_conninfo(**{**values, "host": _NO_HOST}).encode())
    try:
        return connection.error_message
    finally:
        connection.finish()
