"""The doctor's check of the spool."""

import os
import time
from dataclasses import replace
from pathlib import Path

from sqlalchemy import Engine

from receiver.doctor import doctor
from receiver.doctor.finding import Finding, Verdict
from receiver.doctor.spool import check_spool
from receiver.settings.config import Settings, load
from receiver.spool.folder import Spool
from tests.support.callback_events import received_event
from tests.support.environment import ENVIRON
from tests.support.spool_events import unsealed_file
from tests.support.spooled import spool_callbacks, spooled_body


def _findings(spool: Spool, settings: Settings | None = None) -> list[Finding]:
    """Return the findings on the spool."""
    settings = settings or load(
        {**ENVIRON, "SPOOL_DIR": str(spool.path), "SPOOL_DURABLE": str(int(spool.durable))}
    )

    return list(check_spool(settings))


def test_deployment_without_a_spool_has_no_finding(spool: Spool) -> None:
    """There is no finding if SPOOL_DIR isn't set."""
    assert _findings(spool, load(ENVIRON)) == []


def test_empty_spool_is_ok(spool: Spool) -> None:
    """An empty spool is ok, durable or not."""
    assert _findings(spool) == [Finding(Verdict.OK, "spool: durable, 0 files waiting")]
    spool.durable = False
    assert _findings(spool) == [Finding(Verdict.OK, "spool: not durable, 0 files waiting")]


def test_recent_file_is_ok(spool: Spool) -> None:
    """A file that has just arrived is ok."""
    spool_callbacks(spool, spooled_body(1))
    assert _findings(spool) == [Finding(Verdict.OK, "spool: durable, 1 file waiting")]


def test_old_file_is_a_warning(spool: Spool) -> None:
    """A file that has waited for long is a warning with a command."""
    spool_callbacks(spool, spooled_body(1), spooled_body(2))
    two_minutes_ago = time.time() - 120
    os.utime(next(spool.path.iterdir()), (two_minutes_ago, two_minutes_ago))
    [finding] = _findings(spool)
    assert finding.verdict == Verdict.WARN
    assert "spool --drain" in finding.remedy


def test_spool_that_does_not_drain_fails(spool: Spool) -> None:
    """After a quarter of an hour nothing moves the file, and nobody can read its transcript."""
    spool_callbacks(spool, spooled_body(1))
    os.utime(next(spool.path.iterdir()), (0, 0))
    [finding] = _findings(spool)
    assert finding.verdict == Verdict.FAIL
    assert finding.text.endswith("the oldest for more than 15 minutes")
    assert "spool --drain" in finding.remedy


def test_folder_with_write_access_for_others_fails(spool: Spool) -> None:
    """A folder that other users may write to isn't used, and the finding names it."""
    spool_callbacks(spool, spooled_body(1))
    spool.path.chmod(0o777)
    [finding] = _findings(spool)
    assert finding.verdict == Verdict.FAIL
    assert f"{spool.path} has mode 0777" in finding.text
    assert "SPOOL_DIR" in finding.remedy


def test_refused_file_fails(spool: Spool) -> None:
    """A file that nothing proves to be the service's own is a failure."""
    spool_callbacks(spool, spooled_body(1))
    event = received_event(spooled_body(2))
    planted = spool.path / f"{event.sha256.hex()}.callback"
    planted.write_bytes(unsealed_file(event))
    refused, waiting = _findings(spool)
    assert refused.verdict == Verdict.FAIL
    assert "1 file refused" in refused.text
    assert waiting.verdict == Verdict.OK
    assert planted.exists()


def test_damaged_file_fails(spool: Spool) -> None:
    """A damaged file stays in the spool, and may be a callback's only copy."""
    spool_callbacks(spool, spooled_body(1))
    next(spool.path.iterdir()).write_bytes(b"")
    damaged, _waiting = _findings(spool)
    assert (damaged.verdict, damaged.text) == (
        Verdict.FAIL,
        "spool: 1 file can't be read, left in the spool",
    )


def test_unusable_folder_fails(spool: Spool) -> None:
    """Without a usable folder nothing is stored while the database is unavailable."""
    for path in (spool.path / "missing" / "spool", Path(__file__)):
        settings = replace(load(ENVIRON), spool_dir=path)
        [finding] = _findings(spool, settings)
        assert finding.verdict == Verdict.FAIL
        assert str(path) in finding.text


def test_report_contains_the_spool(engine: Engine, spool: Spool) -> None:
    """The doctor's report contains the finding on the spool."""
    lines: list[str] = []
    settings = load({**ENVIRON, "SPOOL_DIR": str(spool.path)})
    assert doctor.run(settings, engine, send_test=False, print_line=lines.append)
    assert "ok    spool: not durable, 0 files waiting" in lines
