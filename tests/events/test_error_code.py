"""Twilio's error code in the document of a job that FAILED."""

from typing import Any

import pytest

from receiver.events.api_events import event_of
from receiver.events.error_code import error_code
from tests.support.samples import ACCOUNT
from tests.support.store_events import START


@pytest.mark.parametrize(
    ("document", "code"),
    [
        ({"error": {"code": 17552, "message": "Not found."}}, 17552),
        ({"error": {"code": "17558"}}, 17558),
        ({"errors": [{"code": 17554}, {"code": 17555}]}, 17554),
        ({"errorCode": 17550}, 17550),
        ({"error": None, "errors": [], "code": None}, None),
        ({"error": "17552"}, None),
        ({"error": {"code": True}}, None),
        ({"error": {"code": 17552.0}}, None),
        ({"error": {"code": "9" * 5000}}, None),
        ({"error": {"code": 10**30}}, None),
        ({"errors": {"code": 17552}}, None),
        ({}, None),
    ],
)
def test_code_is_found(document: dict[str, Any], code: int | None) -> None:
    """The code is a number of five digits, in `error`, in `errors` or in the document itself."""
    assert error_code(document) == code


@pytest.mark.parametrize(("status", "code"), [("failed", 17552), ("completed", None)])
def test_head_of_a_failed_job_has_the_code(status: str, code: int | None) -> None:
    """The head of an event has the code, but only if the job FAILED."""
    body = b'{"id": "job", "accountId": "%s", "status": "%s", "error": {"code": 17552}}'
    event = event_of("fetch", body % (ACCOUNT.encode(), status.encode()), START)
    assert event.head
    assert event.head.get("error_code") == code
