"""Parsing of Twilio's responses."""

import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver.twilio.errors import TwilioBusyError, TwilioRefusedError, TwilioUnavailableError
from receiver.twilio.responses import TwilioResponse, parse_response, parse_retry_after
from schemas.storable import is_storable

documents = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)
problems = st.fixed_dictionaries(
    {}, optional=dict.fromkeys(("code", "detail", "message", "title", "errors"), documents)
)


@given(
    status=st.integers(100, 599),
    body=st.binary()
    | documents.map(lambda value: json.dumps(value).encode())
    | problems.map(lambda value: json.dumps(value).encode()),
    retry_after=st.text(),
)
def test_every_response_is_one_of_four(status: int, body: bytes, retry_after: str) -> None:
    """A response is a document, a refusal, a 429 or no usable answer."""
    answer = None
    with suppress(TwilioRefusedError, TwilioBusyError, TwilioUnavailableError):
        answer = parse_response(status, {"Retry-After": retry_after}, body)
    assert answer is None or (isinstance(answer, TwilioResponse) and 200 <= status < 300)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        (None, None),
        ("", None),
        ("0", 0.0),
        (" 12 ", 12.0),
        ("9" * 400, 3600.0),
        ("-1", None),
        ("1.5", None),
        ("soon", None),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0),
        ("Wed, 21 Oct 2015 07:28:00 -0000", 0.0),
        ("Fri, 31 Dec 99999999999999999999 23:59:59 GMT", None),
    ],
)
def test_retry_after_in_seconds(text: str | None, seconds: float | None) -> None:
    """Seconds are accepted up to an hour, a past date is zero, and anything else is None."""
    assert parse_retry_after(text) == seconds


def test_retry_after_as_a_date() -> None:
    """A date (RFC 9110, 10.2.3) gives the time until then."""
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=100), usegmt=True)
    assert 90 < (parse_retry_after(date) or 0) <= 100


def test_retry_after_is_relative_to_the_date_of_the_response() -> None:
    """If the response has a Date, a wrong clock of our own doesn't matter."""
    sent_at = datetime.now(UTC) - timedelta(days=365)
    date, retry_at = (
        format_datetime(moment, usegmt=True) for moment in (sent_at, sent_at + timedelta(minutes=1))
    )
    assert parse_retry_after(retry_at, date) == 60


def test_older_form_of_an_error_is_read() -> None:
    """The `message` of an older error is its detail."""
    body = b'{"code": 20404, "message": "Not found", "more_info": "x", "status": 404}'
    with pytest.raises(TwilioRefusedError) as caught:
        parse_response(404, {}, body)
    assert (caught.value.code, caught.value.detail) == (20404, "Not found")


@pytest.mark.parametrize("detail", ["bad \0 text", "bad \ud800 text"])
def test_refusal_can_be_stored(detail: str) -> None:
    """A refusal contains no text that Postgres rejects."""
    fault = {"detail": detail, "pointer": f"#/{detail}"}
    with pytest.raises(TwilioRefusedError) as caught:
        parse_response(
            400, {}, json.dumps({"code": 1, "detail": detail, "errors": [fault]}).encode()
        )
    error = caught.value
    texts = [error.detail, *error.errors[0].values()]
    assert all(is_storable(text) and text.endswith(" text") for text in texts)


@pytest.mark.parametrize("status", [401, 403])
def test_refused_credentials_need_no_problem_document(status: int) -> None:
    """A 401 or 403 with any body is a refusal."""
    with pytest.raises(TwilioRefusedError):
        parse_response(status, {}, b"<html>")
