"""What the doctor says of the spool."""

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


def found(spool: Spool, settings: Settings | None = None) -> list[Finding]:
    """Return what is found of it."""
    deployed = settings or load(
        {**ENVIRON, "SPOOL_DIR": str(spool.path), "SPOOL_DURABLE": str(int(spool.durable))}
    )

    return list(check_spool(deployed))


def test_a_deployment_without_a_spool_is_in_order(spool: Spool) -> None:
    """There is nothing to say."""
    assert found(spool, load(ENVIRON)) == []


def test_an_empty_spool_is_in_order(spool: Spool) -> None:
    """It is durable or not, and nothing waits."""
    assert found(spool) == [Finding(Verdict.OK, "spool: durable, 0 files wait")]
    spool.durable = False
    assert found(spool) == [Finding(Verdict.OK, "spool: not durable, 0 files wait")]


def test_what_has_just_come_is_in_order(spool: Spool) -> None:
    """It is moved in a moment."""
    spool_callbacks(spool, spooled_body(1))
    assert found(spool) == [Finding(Verdict.OK, "spool: durable, 1 files wait")]


def test_what_waits_for_long_is_a_warning(spool: Spool) -> None:
    """Something keeps it, which the command tells."""
    spool_callbacks(spool, spooled_body(1), spooled_body(2))
    os.utime(next(spool.path.iterdir()), (0, 0))
    [finding] = found(spool)
    assert finding.verdict == Verdict.WARN
    assert "spool --drain" in finding.remedy


def test_a_folder_that_others_may_write_to_is_a_warning(spool: Spool) -> None:
    """What they put there would be taken for verified."""
    spool_callbacks(spool, spooled_body(1))
    spool.path.chmod(0o777)
    first, second = found(spool)
    assert first.verdict == Verdict.WARN
    assert "users other than its owner" in first.text
    assert second.verdict == Verdict.OK


def test_a_damaged_file_fails(spool: Spool) -> None:
    """Nothing will move it, and it may be all that there is of a callback."""
    spool_callbacks(spool, spooled_body(1))
    next(spool.path.iterdir()).write_bytes(b"")
    damaged, _waiting = found(spool)
    assert (damaged.verdict, damaged.text) == (
        Verdict.FAIL,
        "spool: 1 files can't be read, so they stay in the spool",
    )


def test_an_unusable_folder_fails(spool: Spool) -> None:
    """Without it nothing is kept while the database is away."""
    for path in (spool.path / "missing" / "spool", Path(__file__)):
        settings = replace(load(ENVIRON), spool_dir=path)
        [finding] = found(spool, settings)
        assert finding.verdict == Verdict.FAIL
        assert str(path) in finding.text


def test_the_doctor_looks_at_it(engine: Engine, spool: Spool) -> None:
    """Its findings are among the report's."""
    lines: list[str] = []
    settings = load({**ENVIRON, "SPOOL_DIR": str(spool.path)})
    assert doctor.run(settings, engine, send_test=False, print_line=lines.append)
    assert "ok    spool: not durable, 0 files wait" in lines
