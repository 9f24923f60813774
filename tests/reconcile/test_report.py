"""Reports: how they add up."""

from dataclasses import fields
from typing import Any

from receiver.reconcile.report import Report


def test_every_member_is_in_the_sum() -> None:
    """Counts are added, and nothing that was reported is lost."""
    counts: dict[str, Any] = {field.name: 2 for field in fields(Report) if field.type is int}
    assert len(counts) == 9
    other = Report(**counts, listed=True, fault="It failed.", wait=1.0)
    doubled = {name: 2 * count for name, count in counts.items()}
    assert other + Report(**counts) == Report(**doubled, listed=True, fault="It failed.", wait=1.0)
    assert Report() + other == other + Report() == other


def test_a_fault_is_named_once() -> None:
    """The faults of all passes are named in order, each of them once."""
    faults = ("The list failed.", "Twilio is busy.", "The list failed.")
    total = sum((Report(fault=fault) for fault in faults), Report())
    assert total.fault == "The list failed. Twilio is busy."
