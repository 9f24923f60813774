"""Runs the doctor's checks in order, and prints their findings."""

from collections.abc import Callable, Iterator
from typing import Any

from sqlalchemy import Engine

from receiver.doctor.database import check_database
from receiver.doctor.finding import Finding, Verdict
from receiver.doctor.quarantined import check_quarantined
from receiver.doctor.send_test import check_test_callbacks
from receiver.doctor.settings import check_settings
from receiver.doctor.spool import check_spool
from receiver.doctor.transcripts import check_transcripts
from receiver.doctor.twilio_configurations import check_twilio
from receiver.settings.config import Settings


def run(
    settings: Settings, engine: Engine, *, send_test: bool, print_line: Callable[[str], None]
) -> bool:
    """Print each finding immediately, then all remedies; return whether nothing failed."""
    findings = []
    for finding in _run_checks(settings, engine, send_test=send_test):
        print_line(f"{finding.verdict:<4}  {finding.text}")
        findings.append(finding)
    failures = [finding for finding in findings if finding.verdict == Verdict.FAIL]
    remedies = [finding.remedy for finding in failures + findings if finding.remedy]
    if remedies:
        print_line("")
        print_line("What to do, in this order:")
    for position, remedy in enumerate(dict.fromkeys(remedies), 1):
        print_line(f"{position}. {remedy}")

    return not failures


def report(settings: Settings, engine: Engine, *, send_test: bool) -> dict[str, Any]:
    """Return the findings for a program, and whether nothing failed."""
    findings = list(_run_checks(settings, engine, send_test=send_test))

    return {
        "healthy": all(finding.verdict != Verdict.FAIL for finding in findings),
        "findings": [
            {
                "verdict": finding.verdict.lower(),
                "subject": finding.text.partition(": ")[0],
                "text": finding.text,
                "remedy": finding.remedy or None,
            }
            for finding in findings
        ],
    }


def _run_checks(settings: Settings, engine: Engine, *, send_test: bool) -> Iterator[Finding]:
    yield from check_settings(settings)
    yield from check_spool(settings)
    is_database_sound = True
    for finding in check_database(settings, engine):
        is_database_sound &= finding.verdict != Verdict.FAIL
        yield finding
    if is_database_sound:
        yield check_quarantined(settings, engine)
        yield from check_transcripts(settings, engine)
    yield from check_twilio(settings, engine if is_database_sound else None)
    if not send_test:
        return
    if is_database_sound:
        yield from check_test_callbacks(settings, engine)
    else:
        yield Finding(
            Verdict.FAIL, "test callback: not sent; fix the failures of the database first"
        )
