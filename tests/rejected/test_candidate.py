"""What of a rejected request is stored: only what may be a callback, and no secret."""

from datetime import UTC, datetime
from typing import Any

import pytest

from receiver.rejected.candidate import may_be_callback, to_rejected_request
from receiver.store.rejected.write import RejectedRequest
from tests.support.faults.callbacks import callback, job_id
from tests.support.forged_callbacks import request

NOON = datetime(2026, 4, 2, 12, tzinfo=UTC)
BODY = callback(1, size=0)


def _environ(body: bytes = BODY, /, **changes: Any) -> dict[str, Any]:
    url, headers = request(body)

    return {
        "RAW_URI": url,
        "wsgi.url_scheme": "http",
        "HTTP_HOST": "internal:8000",
        "HTTP_X_FORWARDED_PROTO": "https",
        "CONTENT_TYPE": headers["Content-Type"],
        "HTTP_X_TWILIO_SIGNATURE": headers["X-Twilio-Signature"],
        **changes,
    }


def _kept(environ: dict[str, Any], body: bytes = BODY) -> RejectedRequest | None:
    if not may_be_callback("wrong_signature", environ):
        return None

    return to_rejected_request("wrong_signature", environ, body, NOON)


def test_all_that_the_signature_speaks_about_is_kept() -> None:
    """Account, job, body, and how it was called, down to the raw query."""
    environ = _environ(HTTP_X_FORWARDED_PORT="443", HTTP_USER_AGENT="TwilioProxy/1.1")
    kept = _kept(environ)
    assert kept is not None
    assert (kept.account_id, kept.job_id) == ("AC" + "a" * 32, job_id(1))
    assert (kept.origin, kept.target) == ("https://internal:8000", environ["RAW_URI"])
    assert kept.headers == {
        "Host": "internal:8000",
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Port": "443",
        "Content-Type": "application/json",
        "X-Twilio-Signature": environ["HTTP_X_TWILIO_SIGNATURE"],
        "User-Agent": "TwilioProxy/1.1",
    }
    assert (kept.body, kept.received_at) == (BODY, NOON)


def test_a_forgery_does_not_stand_in_for_what_was_signed() -> None:
    """The same body under another signature, or called by another URL, is another request."""
    others: tuple[dict[str, Any], ...] = (
        {},
        {"HTTP_X_TWILIO_SIGNATURE": "forged"},
        {"HTTP_HOST": "elsewhere"},
        {"RAW_URI": f"{_environ()['RAW_URI']}&x"},
    )
    kept = [_kept(_environ(**changes)) for changes in others]
    assert len({request.sha256 for request in kept if request}) == 4


def test_no_secret_of_the_request_is_kept() -> None:
    """Neither Authorization nor a cookie, whatever else it carries."""
    kept = _kept(_environ(HTTP_AUTHORIZATION="Basic c2VjcmV0", HTTP_COOKIE="a=secret"))
    assert kept is not None
    assert "ecret" not in repr(kept.headers)
    assert not {"Authorization", "Cookie"} & kept.headers.keys()


@pytest.mark.parametrize(
    ("reason", "looks"),
    [
        ("wrong_signature", True),
        ("unknown_key", True),
        ("no_signature", False),
        ("no_body_hash", False),
        ("body_hash_mismatch", False),
        ("malformed_settings", False),
        ("unsupported_algorithm", False),
        ("too_many_fields", False),
    ],
)
def test_only_what_a_setting_can_mend_is_read(reason: str, *, looks: bool) -> None:
    """Another secret, another URL, a missing key; nothing else."""
    assert may_be_callback(reason, _environ()) == looks


@pytest.mark.parametrize(
    "changes",
    [
        {"HTTP_X_TWILIO_SIGNATURE": ""},
        {"HTTP_X_TWILIO_SIGNATURE": "x" * 2000},
        {"HTTP_X_TWILIO_SIGNATURE": "a\x00b"},
        {"RAW_URI": "/callbacks/transcription"},
        {"RAW_URI": "/callbacks/transcription?bodySHA256=" + "0" * 64},
        {"RAW_URI": request(BODY)[0] + "&x=\x00"},
    ],
)
def test_without_a_signature_or_its_own_hash_nothing_is_kept(changes: dict[str, Any]) -> None:
    """Nobody could ever show that it was Twilio's."""
    assert _kept(_environ(**changes)) is None


@pytest.mark.parametrize(
    "body",
    [b"", b"{}", b"[]", b"hello", b'{"id": "a/b"}', BODY[:-1], b"[" * 9999, BODY * 2],
)
def test_what_is_no_callback_is_not_kept(body: bytes) -> None:
    """Its hash may be right: that is no secret."""
    assert _kept(_environ(body), body) is None


def test_headers_are_bounded() -> None:
    """One that is too long, or that Postgres can't keep, is left away and does no harm."""
    kept = _kept(_environ(HTTP_HOST="h" * 1025, HTTP_USER_AGENT="\udc80", CONTENT_TYPE="a\x00"))
    assert kept is not None
    assert kept.headers.keys() == {"X-Forwarded-Proto", "X-Twilio-Signature"}


def test_all_that_the_sender_chooses_takes_room() -> None:
    """The size counts the body, the query and the headers."""
    small, large = _kept(_environ()), _kept(_environ(HTTP_USER_AGENT="x" * 1000))
    assert small is not None
    assert large is not None
    assert large.row_bytes - small.row_bytes == 1000 + len("User-Agent")
    assert small.row_bytes > len(BODY) + len(small.target)
