"""Pages: laws that hold for any jobs, filters and page sizes; and what is no page token."""

import base64
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, insert

from receiver.store.tables import transcriptions
from tests.support.callback_events import NOON
from tests.support.stored_callbacks import ACCOUNT, callback, json_of, record_callback, truncate

# The fixtures are the same for all examples, which begin with an empty database each.
shared = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
# A few values of each, so that ties are frequent.
_minutes = st.integers(0, 3).map(lambda minute: NOON + timedelta(minutes=minute))
_rows = st.lists(
    st.fixed_dictionaries(
        {
            "id": st.text("aA0_-", min_size=1, max_size=3),
            "status": st.sampled_from(["COMPLETED", "FAILED"]),
            "created_at": st.none() | _minutes,
            "first_seen_at": _minutes,
            "language": st.sampled_from([None, "en-US", "de-DE"]),
            "transcript_sha256": st.none() | st.just(b"digest"),
        }
    ),
    max_size=12,
    unique_by=lambda row: row["id"],
)
_filters = st.fixed_dictionaries(
    {},
    optional={
        "status": st.sampled_from(["COMPLETED", "failed"]),
        "languageCode": st.just("en-US"),
        "hasTranscript": st.sampled_from(["true", "false"]),
        "createdAfter": _minutes.map(datetime.isoformat),
        "createdBefore": _minutes.map(datetime.isoformat),
    },
)
_PASSES: dict[str, Callable[[dict[str, Any], str], bool]] = {
    "status": lambda row, value: row["status"] == value.upper(),
    "languageCode": lambda row, value: row["language"] == value,
    "hasTranscript": lambda row, value: (row["transcript_sha256"] is not None) == (value == "true"),
    "createdAfter": lambda row, value: _sort_at(row) >= datetime.fromisoformat(value),
    "createdBefore": lambda row, value: _sort_at(row) < datetime.fromisoformat(value),
}


def _sort_at(row: dict[str, Any]) -> datetime:
    moment: datetime = row["created_at"] or row["first_seen_at"]

    return moment


def _put(engine: Engine, rows: list[dict[str, Any]]) -> None:
    """Make the database hold these jobs and no others."""
    never = {"key_terminal": 0, "key_updated_at": NOON, "key_source": 0, "key_sha256": b""}
    truncate(engine)
    if rows:
        with engine.connect() as connection:
            values = [{**row, **never, "account_id": ACCOUNT} for row in rows]
            connection.execute(insert(transcriptions), values)


def _page(reader: FlaskClient, parameters: dict[str, Any]) -> tuple[list[str], dict[str, Any]]:
    response = reader.get(f"/v3/Transcriptions?{urlencode(parameters)}")
    assert response.status_code == 200
    document = json_of(response)

    return [job["id"] for job in document["transcriptions"]], document["meta"]


@shared
@given(rows=_rows, filters=_filters, size=st.integers(1, 5), repeated=st.booleans())
def test_pages_are_the_sorted_list_cut_up(
    reader: FlaskClient,
    engine: Engine,
    rows: list[dict[str, Any]],
    filters: dict[str, str],
    size: int,
    *,
    repeated: bool,
) -> None:
    """Forward the pages make up the list, backward the same pages come again, filters or not.

    It makes no difference whether the filters and the size stand beside the token.
    """
    _put(engine, rows)
    passing = [row for row in rows if all(_PASSES[name](row, filters[name]) for name in filters)]
    passing.sort(key=lambda row: (_sort_at(row), row["id"]), reverse=True)
    ids = [row["id"] for row in passing]
    first = {**filters, "pageSize": size}
    beside = first if repeated else {}
    pages = [_page(reader, first)]
    while token := pages[-1][1].get("nextToken"):
        assert len(pages) <= len(rows)
        pages.append(_page(reader, {**beside, "pageToken": token}))
    assert [page for page, _ in pages] == [
        ids[start : start + size] for start in range(0, max(len(ids), 1), size)
    ]
    for position in range(len(pages) - 1, 0, -1):
        page, meta = _page(reader, {**beside, "pageToken": pages[position][1]["previousToken"]})
        assert page == pages[position - 1][0]
        assert ("previousToken" in meta) == (position > 1)
        assert meta["pageSize"] == size
        assert _page(reader, {"pageToken": meta["nextToken"]})[0] == pages[position][0]
    assert "previousToken" not in pages[0][1]


def test_what_comes_in_meanwhile_shifts_nothing(reader: FlaskClient, engine: Engine) -> None:
    """A newer job that arrives between two pages repeats no row and hides none."""
    for number in range(4):
        record_callback(engine, callback(f"old{number}"))
    first, meta = _page(reader, {"pageSize": 2})
    record_callback(engine, callback("new"), at=NOON + timedelta(minutes=1))
    second, meta = _page(reader, {"pageToken": meta["nextToken"]})
    assert first + second == ["old3", "old2", "old1", "old0"]
    back, meta = _page(reader, {"pageToken": meta["previousToken"]})
    assert back == first
    assert _page(reader, {"pageToken": meta["previousToken"]})[0] == ["new"]


def test_a_page_that_has_emptied_leads_nowhere(reader: FlaskClient, engine: Engine) -> None:
    """Where the rest of a list no longer passes its filter, there is an empty page at the end."""
    record_callback(engine, callback("a", status="running"))
    record_callback(engine, callback("b", status="running"))
    _, meta = _page(reader, {"pageSize": 1, "status": "RUNNING"})
    record_callback(engine, callback("a", status="completed"))
    rest, meta = _page(reader, {"pageToken": meta["nextToken"]})
    assert (rest, meta) == ([], {"key": "transcriptions", "pageSize": 1})


@pytest.fixture
def token(reader: FlaskClient, engine: Engine) -> str:
    """Return a token of the failed jobs in pages of one."""
    for number in range(3):
        record_callback(engine, callback(f"job{number}", status="failed"))
    token: str = _page(reader, {"pageSize": 1, "status": "FAILED"})[1]["nextToken"]

    return token


def _status(reader: FlaskClient, parameters: dict[str, str]) -> tuple[int, list[str]]:
    """Return the answer's status and the parameters that its problem points at."""
    response = reader.get(f"/v3/Transcriptions?{urlencode(parameters)}")
    document = json_of(response)

    return response.status_code, [fault["pointer"] for fault in document.get("errors", [])]


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
def test_what_stands_beside_a_token_agrees_with_it(
    reader: FlaskClient, token: str, beside: dict[str, str], status: int
) -> None:
    """A filter or a size other than the token's is a 400 that points at it."""
    pointers = [] if status == 200 else [f"/{name}" for name in beside]
    assert _status(reader, {"pageToken": token, **beside}) == (status, pointers)


def test_a_clamped_size_agrees_with_its_token(reader: FlaskClient, engine: Engine) -> None:
    """The SDK goes on to send the size that it asked for, not the one that it got."""
    for number in range(101):
        record_callback(engine, callback(f"job{number}"))
    _, meta = _page(reader, {"pageSize": 120})
    rest, meta = _page(reader, {"pageSize": 120, "pageToken": meta["nextToken"]})
    assert (len(rest), meta["pageSize"]) == (1, 100)


def _encoded(document: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(document).encode()).decode().rstrip("=")


def _decoded(token: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(base64.urlsafe_b64decode(token + "=="))

    return document


def test_a_token_can_be_written_anew(reader: FlaskClient, token: str) -> None:
    """What these tests change in a token is what they say, for unchanged it is one."""
    assert _status(reader, {"pageToken": _encoded(_decoded(token))}) == (200, [])


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("version", 2),
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
def test_a_token_that_was_tampered_with_is_none(
    reader: FlaskClient, token: str, member: str, value: object
) -> None:
    """Whatever stands in it is checked as if it came from anybody."""
    changed = _encoded({**_decoded(token), member: value})
    assert _status(reader, {"pageToken": changed}) == (400, ["/pageToken"])


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
def test_what_is_no_token_is_400(reader: FlaskClient, text: str) -> None:
    """No base64, no UTF-8, no JSON, no object, no end of nesting: never more than a 400."""
    assert _status(reader, {"pageToken": text}) == (400, ["/pageToken"])


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
_members = st.sampled_from(["version", "collection", "backward", "at", "id", "size", "filters"])


@shared
@given(changes=st.dictionaries(_members, _json, min_size=1, max_size=3))
@example(changes={"backward": True})
def test_no_token_breaks_anything(
    reader: FlaskClient, token: str, changes: dict[str, object]
) -> None:
    """A token with any members is one, or it is a 400."""
    status, _ = _status(reader, {"pageToken": _encoded({**_decoded(token), **changes})})
    assert status in {200, 400}
