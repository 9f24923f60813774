"""The doctor's check of the spool."""

import os
from dataclasses import replace
from pathlib import Path

from sqlalchemy import Engine

from receiver.doctor import doctor
from receiver.doctor.finding import Finding, Verdict
from receiver.doctor.spool import check_spool
from receiver.settings.config import Settings, load
from receiver.spool.folder import Spool
from tests.support.environment import ENVIRON
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
    assert _findings(spool) == [Finding(Verdict.OK, "spool: durable, 0 files wait")]
    spool.durable = False
    assert _findings(spool) == [Finding(Verdict.OK, "spool: not durable, 0 files wait")]


def test_recent_file_is_ok(spool: Spool) -> None:
    """A file that has just arrived is ok."""
    spool_callbacks(spool, spooled_body(1))
    assert _findings(spool) == [Finding(Verdict.OK, "spool: durable, 1 files wait")]


def test_old_file_is_a_warning(spool: Spool) -> None:
    """A file that has waited for long is a warning with a command."""
    spool_callbacks(spool, spooled_body(1), spooled_body(2))
    os.utime(next(spool.path.iterdir()), (0, 0))
    [finding] = _findings(spool)
    assert finding.verdict == Verdict.WARN
    assert "spool --drain" in finding.remedy


def test_folder_with_write_access_for_others_is_a_warning(spool: Spool) -> None:
    """Files that other users write would be taken for verified callbacks."""
    spool_callbacks(spool, spooled_body(1))
    spool.path.chmod(0o777)
    first, second = _findings(spool)
    assert first.verdict == Verdict.WARN
    assert "users other than its owner" in first.text
    assert second.verdict == Verdict.OK


def test_damaged_file_fails(spool: Spool) -> None:
    """A damaged file stays in the spool, and may be a callback's only copy."""
    spool_callbacks(spool, spooled_body(1))
    next(spool.path.iterdir()).write_bytes(b"")
    damaged, _waiting = _findings(spool)
    assert (damaged.verdict, damaged.text) == (
        Verdict.FAIL,
        "spool: 1 files can't be read, so they stay in the spool",
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
    assert "ok    spool: not durable, 0 files wait" in lines
