"""The doctor's check of the retention."""

from dataclasses import replace

from sqlalchemy import Engine

from receiver.doctor.retention import check_retention
from receiver.settings.config import load
from tests.doctor.test_doctor import SOUND
from tests.support.retention import execute, run_pass


def test_missing_pass_is_a_warning(engine: Engine) -> None:
    """Without a complete pass within a day, the doctor says how to run one."""
    settings = load({**SOUND, "RETAIN_BODIES_DAYS": "10"})
    finding = check_retention(settings, engine)
    assert (finding.verdict, "completed yet" in finding.text) == ("warn", True)
    assert "retain" in finding.remedy
    run_pass(engine)
    assert check_retention(settings, engine).verdict == "ok"
    execute(engine, "UPDATE retention_progress SET completed_at = completed_at - interval '25 h'")
    assert "completed since 20" in check_retention(settings, engine).text
    assert check_retention(replace(settings, retain_bodies_days=None), engine).verdict == "ok"
