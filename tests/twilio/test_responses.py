"""Parsing of Twilio's responses."""

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver.twilio.errors import TwilioBusyError, TwilioRefusedError, TwilioUnavailableError
from receiver.twilio.responses import TwilioResponse, parse_response
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
