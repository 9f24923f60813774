"""Tests of what is stored of a rejected request: only possible callbacks, and no secrets."""

from datetime import UTC, datetime
from typing import Any

import pytest

from receiver.rejected.candidate import may_be_callback, to_rejected_request
from receiver.store.rejected.write import RejectedRequest
from tests.support.faults.callbacks import callback, job_id
from tests.support.forged_callbacks import request
from tests.support.samples import ACCOUNT

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


def _to_stored(environ: dict[str, Any], body: bytes = BODY) -> RejectedRequest | None:
    if not may_be_callback("wrong_signature", environ):
        return None

    return to_rejected_request("wrong_signature", environ, body, NOON)


def test_all_signed_parts_are_stored() -> None:
    """The account, the job, the body, the URL with its raw query and the headers are stored."""
    environ = _environ(HTTP_X_FORWARDED_PORT="443", HTTP_USER_AGENT="TwilioProxy/1.1")
    stored = _to_stored(environ)
    assert stored is not None
    assert (stored.account_id, stored.job_id) == (ACCOUNT, job_id(1))
    assert (stored.origin, stored.target) == ("https://internal:8000", environ["RAW_URI"])
    assert stored.headers == {
        "Host": "internal:8000",
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Port": "443",
        "Content-Type": "application/json",
        "X-Twilio-Signature": environ["HTTP_X_TWILIO_SIGNATURE"],
        "User-Agent": "TwilioProxy/1.1",
    }
    assert (stored.body, stored.received_at) == (BODY, NOON)


def test_digest_covers_signature_and_url() -> None:
    """The same body with another signature or URL is another request."""
    others: tuple[dict[str, Any], ...] = (
        {},
        {"HTTP_X_TWILIO_SIGNATURE": "forged"},
        {"HTTP_HOST": "elsewhere"},
        {"RAW_URI": f"{_environ()['RAW_URI']}&x"},
    )
    stored = [_to_stored(_environ(**changes)) for changes in others]
    assert len({each.sha256 for each in stored if each}) == 4


def test_no_secret_is_stored() -> None:
    """Neither Authorization nor Cookie is stored."""
    stored = _to_stored(_environ(HTTP_AUTHORIZATION="Basic c2VjcmV0", HTTP_COOKIE="a=secret"))
    assert stored is not None
    assert "ecret" not in repr(stored.headers)
    assert not {"Authorization", "Cookie"} & stored.headers.keys()


@pytest.mark.parametrize(
    ("reason", "is_candidate"),
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
def test_only_rejections_by_a_setting_are_candidates(reason: str, *, is_candidate: bool) -> None:
    """Only a rejection that a wrong secret, URL or key can cause is a candidate."""
    assert may_be_callback(reason, _environ()) == is_candidate


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
def test_request_without_usable_signature_or_hash_is_not_stored(changes: dict[str, Any]) -> None:
    """A request that could never be verified, without signature or body hash, isn't stored."""
    assert _to_stored(_environ(**changes)) is None


@pytest.mark.parametrize(
    "body",
    [b"", b"{}", b"[]", b"hello", b'{"id": "a/b"}', BODY[:-1], b"[" * 9999, BODY * 2],
)
def test_body_that_is_no_callback_is_not_stored(body: bytes) -> None:
    """A body that isn't a callback isn't stored, even if its hash is right."""
    assert _to_stored(_environ(body), body) is None


def test_unstorable_headers_are_left_out() -> None:
    """A header that is too long, or that Postgres can't store, is left out."""
    stored = _to_stored(
        _environ(HTTP_HOST="h" * 1025, HTTP_USER_AGENT="\udc80", CONTENT_TYPE="a\x00")
    )
    assert stored is not None
    assert stored.headers.keys() == {"X-Forwarded-Proto", "X-Twilio-Signature"}


def test_size_counts_all_that_the_sender_chooses() -> None:
    """The size of the row counts the body, the query and the headers."""
    small, large = _to_stored(_environ()), _to_stored(_environ(HTTP_USER_AGENT="x" * 1000))
    assert small is not None
    assert large is not None
    assert large.row_bytes - small.row_bytes == 1000 + len("User-Agent")
    assert small.row_bytes > len(BODY) + len(small.target)
