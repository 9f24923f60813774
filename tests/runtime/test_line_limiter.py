"""Tests of the limit of log lines that anybody can cause."""

import logging

import pytest

from receiver.runtime.line_limiter import MAX_LINES, LineLimiter

logger = logging.getLogger(__name__)


def test_lines_of_each_message_are_limited(caplog: pytest.LogCaptureFixture) -> None:
    """Lines with the same message are logged up to a limit, which other messages don't share."""
    lines = LineLimiter()
    for number in range(MAX_LINES + 5):
        lines.log(logger, logging.WARNING, "a flood: %s", number, extra={"field": number})
    lines.log(logger, logging.WARNING, "another message", extra={})
    messages = [record.getMessage() for record in caplog.records]
    assert messages == [*(f"a flood: {number}" for number in range(MAX_LINES)), "another message"]
    assert vars(caplog.records[3])["field"] == 3
