"""Tests of the pages: rules that hold for any jobs, filters and page sizes."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, insert

from receiver.store.tables import transcriptions
from tests.support.callback_events import NOON
from tests.support.samples import ACCOUNT
from tests.support.stored_callbacks import callback, json_of, record_callback, truncate

# All examples share the fixtures, and each begins with an empty database.
shared_fixtures = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
# A few values of each, so that ties are frequent.
_minutes = st.integers(0, 3).map(lambda minute: NOON + timedelta(minutes=minute))
_addresses = st.sampled_from([{}, {"address": "+1"}, {"address": "+2"}])
_rows = st.lists(
    st.fixed_dictionaries(
        {
            "id": st.text("aA0_-", min_size=1, max_size=3),
            "status": st.sampled_from(["COMPLETED", "FAILED"]),
            "created_at": st.none() | _minutes,
            "first_seen_at": _minutes,
            "language": st.sampled_from([None, "en-US", "de-DE"]),
            "updated_at": st.none() | _minutes,
            "received_at": st.none() | _minutes,
            "participants": st.none() | st.lists(_addresses, max_size=2),
            "transcript_sha256": st.none() | st.just(b"digest"),
        }
    ),
    max_size=12,
    unique_by=lambda row: str(row["id"]),
)
_filters = st.fixed_dictionaries(
    {},
    optional={
        "status": st.sampled_from(["COMPLETED", "failed"]),
        "languageCode": st.just("en-US"),
        "participantAddress": st.sampled_from(["+1", "+2"]),
        "hasTranscript": st.sampled_from(["true", "false"]),
        "updatedAfter": _minutes.map(datetime.isoformat),
        "receivedAfter": _minutes.map(datetime.isoformat),
        "createdAfter": _minutes.map(datetime.isoformat),
        "createdBefore": _minutes.map(datetime.isoformat),
    },
)
_FILTER_RULES: dict[str, Callable[[dict[str, Any], str], bool]] = {
    "status": lambda row, value: row["status"] == value.upper(),
    "languageCode": lambda row, value: row["language"] == value,
    "hasTranscript": lambda row, value: (row["transcript_sha256"] is not None) == (value == "true"),
    "participantAddress": lambda row, value: {"address": value} in (row["participants"] or []),
    "updatedAfter": lambda row, value: _is_after(row["updated_at"], value),
    "receivedAfter": lambda row, value: _is_after(row["received_at"], value),
    "createdAfter": lambda row, value: _sort_at(row) >= datetime.fromisoformat(value),
    "createdBefore": lambda row, value: _sort_at(row) < datetime.fromisoformat(value),
}


def _is_after(moment: datetime | None, value: str) -> bool:
    return moment is not None and moment >= datetime.fromisoformat(value)


def _sort_at(row: dict[str, Any]) -> datetime:
    moment: datetime = row["created_at"] or row["first_seen_at"]

    return moment


def _replace_jobs(engine: Engine, rows: list[dict[str, Any]]) -> None:
    """Store these jobs and delete all others."""
    unused_keys = {"key_terminal": 0, "key_updated_at": NOON, "key_source": 0, "key_sha256": b""}
    truncate(engine)
    if rows:
        with engine.connect() as connection:
            values = [{**row, **unused_keys, "account_id": ACCOUNT} for row in rows]
            connection.execute(insert(transcriptions), values)


def _page(reader: FlaskClient, parameters: dict[str, Any]) -> tuple[list[str], dict[str, Any]]:
    response = reader.get(f"/v3/Transcriptions?{urlencode(parameters)}")
    assert response.status_code == 200
    document = json_of(response)

    return [job["id"] for job in document["transcriptions"]], document["meta"]


@shared_fixtures
@given(rows=_rows, filters=_filters, size=st.integers(1, 5), repeated=st.booleans())
def test_pages_make_up_the_sorted_list(
    reader: FlaskClient,
    engine: Engine,
    rows: list[dict[str, Any]],
    filters: dict[str, str],
    size: int,
    *,
    repeated: bool,
) -> None:
    """The pages make up the sorted list forward, and are the same backward, with any filters.

    The filters and the size may be repeated beside the token.
    """
    _replace_jobs(engine, rows)
    passing = [
        row for row in rows if all(_FILTER_RULES[name](row, filters[name]) for name in filters)
    ]
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
        assert meta["pageSize"] == len(page) == size
        assert _page(reader, {"pageToken": meta["nextToken"]})[0] == pages[position][0]
    assert "previousToken" not in pages[0][1]


def test_new_job_does_not_shift_the_pages(reader: FlaskClient, engine: Engine) -> None:
    """A newer job that arrives between two pages repeats no row and hides none."""
    for number in range(4):
        record_callback(engine, callback(f"old{number}"))
    first, meta = _page(reader, {"pageSize": 2})
    record_callback(engine, callback("new"), at=NOON + timedelta(minutes=1))
    second, meta = _page(reader, {"pageToken": meta["nextToken"]})
    assert first + second == ["old3", "old2", "old1", "old0"]
    previous_page, meta = _page(reader, {"pageToken": meta["previousToken"]})
    assert previous_page == first
    assert _page(reader, {"pageToken": meta["previousToken"]})[0] == ["new"]


def test_page_whose_jobs_have_changed_is_empty_and_last(
    reader: FlaskClient, engine: Engine
) -> None:
    """A page whose jobs no longer pass its filter is empty and has no tokens."""
    record_callback(engine, callback("a", status="running"))
    record_callback(engine, callback("b", status="running"))
    _, meta = _page(reader, {"pageSize": 1, "status": "RUNNING"})
    record_callback(engine, callback("a", status="completed"))
    rest, meta = _page(reader, {"pageToken": meta["nextToken"]})
    assert (rest, meta) == ([], {"key": "transcriptions", "pageSize": 0})
