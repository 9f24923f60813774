"""Findings: what a check returns."""

import enum
from dataclasses import dataclass


class Verdict(enum.StrEnum):
    """How severe a finding is.

    A warning may cost something later. After a failure callbacks are lost, or what they contain
    can't be read until somebody acts.
    """

    OK = "ok"
    WARN = "warn"
    FAIL = "FAIL"


@dataclass(frozen=True)
class Finding:
    """One line of the report.

    `remedy` says what to do, as a sentence in the imperative; it is empty if there is no problem.
    """

    verdict: Verdict
    text: str
    remedy: str = ""
