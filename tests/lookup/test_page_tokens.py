"""Tests of page tokens: which are valid, and what they agree with."""

import base64
import json
from typing import Any
from urllib.parse import urlencode

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from tests.support.stored_callbacks import callback, json_of, record_callback


def _page(reader: FlaskClient, parameters: dict[str, Any]) -> tuple[list[str], dict[str, Any]]:
    response = reader.get(f"/v3/Transcriptions?{urlencode(parameters)}")
    assert response.status_code == 200
    document = json_of(response)

    return [job["id"] for job in document["transcriptions"]], document["meta"]


@pytest.fixture
def token(reader: FlaskClient, engine: Engine) -> str:
    """Return a token of the failed jobs in pages of one."""
    for number in range(3):
        record_callback(engine, callback(f"job{number}", status="failed"))
    token: str = _page(reader, {"pageSize": 1, "status": "FAILED"})[1]["nextToken"]

    return token


def _status_and_pointers(reader: FlaskClient, parameters: dict[str, str]) -> tuple[int, list[str]]:
    """Return the response's status and the parameters that its problem names."""
    response = reader.get(f"/v3/Transcriptions?{urlencode(parameters)}")
    document = json_of(response)

    return response.status_code, [error["pointer"] for error in document.get("errors", [])]


@pytest.mark.parametrize(
    ("beside", "status"),
    [
        ({"status": "failed", "pageSize": "1"}, 200),
        ({"status": "COMPLETED"}, 400),
        ({"hasTranscript": "false"}, 400),
        ({"createdAfter": "2026-04-02"}, 400),
        ({"pageSize": "2"}, 400),
    ],
)
def test_parameters_beside_a_token_must_agree_with_it(
    reader: FlaskClient, token: str, beside: dict[str, str], status: int
) -> None:
    """A filter or a size that differs from the token's is a 400 that names it."""
    pointers = [] if status == 200 else [f"#/{name}" for name in beside]
    assert _status_and_pointers(reader, {"pageToken": token, **beside}) == (status, pointers)


def test_clamped_size_agrees_with_its_token(reader: FlaskClient, engine: Engine) -> None:
    """A clamped size agrees with its token, because the SDK repeats the size that it requested."""
    for number in range(101):
        record_callback(engine, callback(f"job{number}"))
    _, meta = _page(reader, {"pageSize": 120})
    rest, meta = _page(reader, {"pageSize": 120, "pageToken": meta["nextToken"]})
    assert len(rest) == meta["pageSize"] == 1


def _encode(document: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(document).encode()).decode().rstrip("=")


def _decode(token: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(base64.urlsafe_b64decode(token + "=="))

    return document


def test_reencoded_token_is_valid(reader: FlaskClient, token: str) -> None:
    """A token that is decoded and encoded again is valid, so these tests can change one."""
    assert _status_and_pointers(reader, {"pageToken": _encode(_decode(token))}) == (200, [])


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("version", 0),
        ("version", True),
        ("version", None),
        ("collection", "callbacks/job"),
        ("collection", []),
        ("backward", 1.5),
        ("at", "9999-12-31T23:59:59-14:00"),
        ("at", "0001-01-01T00:00:00+14:00"),
        ("at", "292277026596-12-04T15:30:08Z"),
        ("at", 10**30),
        ("id", "\x00"),
        ("id", "\ud800"),
        ("id", "x" * 129),
        ("id", 7),
        ("size", 0),
        ("size", 101),
        ("size", 10**4000),
        ("size", float("inf")),
        ("filters", None),
        ("filters", [[]]),
        ("filters", {"language": "en-US"}),
        ("filters", {"languageCode": "\x00"}),
        ("filters", {"languageCode": "\ud800"}),
        ("filters", {"sourceId": {}}),
        ("filters", {"createdAfter": "\udfff"}),
        ("filters", {"hasTranscript": {}}),
        ("new", 1),
    ],
)
def test_changed_token_is_invalid(
    reader: FlaskClient, token: str, member: str, value: object
) -> None:
    """A token with an invalid member is a 400."""
    changed = _encode({**_decode(token), member: value})
    assert _status_and_pointers(reader, {"pageToken": changed}) == (400, ["#/pageToken"])


def test_token_of_a_newer_release_is_gone(reader: FlaskClient) -> None:
    """After a rollback, a token of the later release is a 410 that says what to do."""
    later = _encode({"version": 2, "something": "else"})
    response = reader.get(f"/v3/Transcriptions?{urlencode({'pageToken': later})}")
    assert response.status_code == 410
    assert "start again without it" in json_of(response)["detail"]


@pytest.mark.parametrize(
    "text",
    [
        "e30",
        "e",
        "=",
        "....",
        "bm90IGpzb24",
        "W10",
        "bnVsbA",
        "/w==",
        "\x00",
        "🎧",
        base64.urlsafe_b64encode(b"[" * 3000).decode(),
        base64.urlsafe_b64encode(b'{"at":' * 500).decode(),
        base64.urlsafe_b64encode('{"version":1}'.encode("utf-16")).decode(),
        base64.urlsafe_b64encode(b"\xff\xfe").decode(),
    ],
)
def test_malformed_token_is_invalid(reader: FlaskClient, text: str) -> None:
    """A token that isn't base64, UTF-8, JSON or an object, or is nested too deeply, is a 400."""
    assert _status_and_pointers(reader, {"pageToken": text}) == (400, ["#/pageToken"])


_documents = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
_members = st.sampled_from(["version", "collection", "backward", "at", "id", "size", "filters"])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes=st.dictionaries(_members, _documents, min_size=1, max_size=3))
@example(changes={"backward": True})
def test_any_token_is_answered(reader: FlaskClient, token: str, changes: dict[str, object]) -> None:
    """A token with any members is valid, a 400, or of a newer release."""
    status, _ = _status_and_pointers(reader, {"pageToken": _encode({**_decode(token), **changes})})
    assert status in {200, 400, 410}
