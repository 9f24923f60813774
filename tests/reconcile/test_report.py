"""Reports, and their sums."""

from dataclasses import fields
from typing import Any

from receiver.reconcile.report import Report


def test_sum_has_every_member() -> None:
    """The counts are added, and the other members are combined."""
    counts: dict[str, Any] = {field.name: 2 for field in fields(Report) if field.type is int}
    assert len(counts) == 9
    other = Report(**counts, listed=True, fault="It failed.", wait=1.0)
    doubled = {name: 2 * count for name, count in counts.items()}
    assert other + Report(**counts) == Report(**doubled, listed=True, fault="It failed.", wait=1.0)
    assert Report() + other == other + Report() == other


def test_sum_has_each_fault_once() -> None:
    """The sum contains the faults of all reports in order, each of them once."""
    faults = ("The list failed.", "Twilio is busy.", "The list failed.")
    total = sum((Report(fault=fault) for fault in faults), Report())
    assert total.fault == "The list failed. Twilio is busy."
