"""Tests of the audit of reads: each answer with a text, and each 304 for one, leaves a row."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, text

from receiver.console.session import COOKIE, make_session
from receiver.lookup.formats import FORMATS
from receiver.settings.keys import SCOPES, ApiKey
from receiver.store.audit.access import Route
from tests.support.audit_rows import audit_rows
from tests.support.environment import changed_settings
from tests.support.samples import ACCOUNT, OTHER_ACCOUNT
from tests.support.searching import index
from tests.support.stored_callbacks import callback, json_of, record_callback, truncate

JOB = "/v3/Transcriptions/job"
TRANSCRIPT = f"{JOB}/Transcript"
BODY = f"{JOB}/Callbacks/1/Body"
MARK = "markedsentence"
STORED = callback("job", sentences=[{"text": f"{MARK} " * 100, "audioChannelIndex": 1}])
GZIP = {"Accept-Encoding": "gzip"}

# What each path's row has: callback, route and format.
READS = {
    TRANSCRIPT: (None, Route.TRANSCRIPT, "json"),
    f"{TRANSCRIPT}?format=srt": (None, Route.TRANSCRIPT, "srt"),
    f"{TRANSCRIPT}.json": (None, Route.TRANSCRIPT_JSON, "json"),
    f"{TRANSCRIPT}.txt": (None, Route.TRANSCRIPT_TXT, "text"),
    f"{TRANSCRIPT}.vtt": (None, Route.TRANSCRIPT_VTT, "vtt"),
    f"{TRANSCRIPT}.srt": (None, Route.TRANSCRIPT_SRT, "srt"),
    BODY: (1, Route.BODY, "bytes"),
}
# Every route whose answer contains what was said. Add a new one here, and to `Route`.
READING_ENDPOINTS = {
    "lookup.fetch_transcript",
    *(f"lookup.fetch_transcript_{extension}" for extension in ("json", "txt", "vtt", "srt")),
    "lookup.fetch_body",
    "console.show_transcript",
    "export.export_jobs",
    "search.search",
}
# Routes that read nothing without a query.
QUERIES = {"/v3/Search": f"/v3/Search?q={MARK}"}
# A value for each variable of a route.
PATH_VALUES = {"job_id": "job", "callback_id": "1", "_prefix": "prefix", "_path": "nothing"}


@pytest.fixture
def _stored(engine: Engine) -> None:
    record_callback(engine, STORED)


def _rows(engine: Engine) -> list[tuple[Any, ...]]:
    return audit_rows(engine, "callback_id", "route", "format", "status")


@pytest.mark.usefixtures("_stored")
@pytest.mark.parametrize("path", READS)
def test_each_answer_leaves_a_row(reader: FlaskClient, engine: Engine, path: str) -> None:
    """A text that is rendered, cached or compressed, a 304 and a HEAD leave a row each."""
    tag = reader.get(path).headers["ETag"]
    answers = [
        reader.get(path),
        reader.get(path, headers=GZIP),
        reader.get(path, headers=GZIP),
        reader.get(path, headers={"If-None-Match": tag}),
        reader.get(path, headers={"If-None-Match": "*"}),
        reader.head(path),
        reader.head(path, headers={"If-None-Match": tag}),
    ]
    statuses = [200, *(answer.status_code for answer in answers)]
    assert statuses == [200, 200, 200, 200, 304, 304, 200, 304]
    assert _rows(engine) == [(*READS[path], status) for status in statuses]


@pytest.mark.usefixtures("_stored")
def test_row_has_key_job_and_request_id(reader: FlaskClient, engine: Engine) -> None:
    """The row has the key's name, the job, and the request id that the answer has."""
    answers = [
        reader.get(TRANSCRIPT, headers={"X-Request-ID": "own"}),
        reader.get(BODY),
    ]
    ids = [answer.headers["X-Request-ID"] for answer in answers]
    assert ids[0] == "own"
    assert audit_rows(engine, "reader", "job_id", "request_id") == [
        ("other", "job", request_id) for request_id in ids
    ]


@pytest.mark.usefixtures("_stored")
def test_read_by_a_link_is_audited(shared_app: Flask, reader: FlaskClient, engine: Engine) -> None:
    """A read by a link has the name of the API key that made the link, and a route of its own."""
    link = json_of(reader.post(f"{JOB}/Links"))["url"]
    stranger = shared_app.test_client()
    tag = stranger.get(link).headers["ETag"]
    assert stranger.get(link, headers={"If-None-Match": tag}).status_code == 304
    assert audit_rows(engine, "reader", "route", "format", "status") == [
        ("other", Route.LINK, "vtt", status) for status in (200, 304)
    ]


@pytest.mark.usefixtures("_stored")
@pytest.mark.parametrize(
    ("path", "accept", "status"),
    [
        (JOB, "*/*", 200),
        ("/v3/Transcriptions", "*/*", 200),
        (f"{JOB}/Callbacks", "*/*", 200),
        (TRANSCRIPT, "image/png", 406),
        (f"{TRANSCRIPT}?format=pdf", "*/*", 400),
        (f"{TRANSCRIPT}.vtt?typo=1", "*/*", 400),
        ("/v3/Transcriptions/unknown/Transcript", "*/*", 404),
        ("/v3/Transcriptions/running/Transcript", "*/*", 404),
        (f"{JOB}/Callbacks/9/Body", "*/*", 404),
        (f"{BODY}?typo=1", "*/*", 400),
    ],
)
def test_answer_without_a_text_leaves_no_row(
    reader: FlaskClient, engine: Engine, path: str, accept: str, status: int
) -> None:
    """A job, a list and an error leave no row."""
    record_callback(engine, callback("running", status="running"))
    assert reader.get(path, headers={"Accept": accept}).status_code == status
    assert _rows(engine) == []


@pytest.mark.usefixtures("_stored")
def test_request_without_a_key_leaves_no_row(shared_app: Flask, engine: Engine) -> None:
    """A request with a wrong key leaves no row."""
    for path in READS:
        assert shared_app.test_client().get(path, auth=("dev", "wrong")).status_code == 401
    assert _rows(engine) == []


@pytest.mark.usefixtures("_stored")
@pytest.mark.parametrize(
    "erasure",
    [
        "UPDATE events SET body = NULL",
        "UPDATE transcriptions SET transcript_sha256 = NULL",
        "UPDATE events SET body = NULL; UPDATE transcriptions SET transcript_sha256 = NULL",
    ],
)
def test_erasure_takes_effect_at_once(reader: FlaskClient, engine: Engine, erasure: str) -> None:
    """After an erasure neither a kept rendering nor a 304 is returned, and no row is left."""
    tag = reader.get(TRANSCRIPT).headers["ETag"]
    with engine.connect() as connection:
        connection.execute(text(f"{erasure}; TRUNCATE audit"))
    for headers in ({}, {"If-None-Match": tag}, {"If-None-Match": "*"}):
        response = reader.get(TRANSCRIPT, headers=headers)
        assert (response.status_code, MARK in response.text) == (404, False)
    assert _rows(engine) == []


@pytest.mark.usefixtures("_stored")
def test_replaced_transcript_is_read_again(reader: FlaskClient, engine: Engine) -> None:
    """After a newer callback, the kept rendering and its ETag aren't used any more."""
    tag = reader.get(TRANSCRIPT).headers["ETag"]
    newer = callback("job", sentences=[{"text": "Newer."}], updatedAt="2026-04-02T19:30:00Z")
    record_callback(engine, newer)
    response = reader.get(TRANSCRIPT, headers={"If-None-Match": tag})
    assert (response.status_code, "Newer." in response.text) == (200, True)
    assert [row[-1] for row in _rows(engine)] == [200, 200]


@pytest.mark.usefixtures("_stored")
def test_bound_key_audits_its_own_reads_only(
    shared_app: Flask, reader: FlaskClient, engine: Engine
) -> None:
    """A key that is bound to another account reads nothing, not even a kept rendering."""
    keys = tuple(
        ApiKey(name, f"{name}-secret", account=account)
        for name, account in (("own", ACCOUNT), ("others", OTHER_ACCOUNT), ("all", None))
    )
    with changed_settings(shared_app, api_keys=keys):
        for path in READS:
            tag = reader.get(path, auth=("all", "all-secret")).headers["ETag"]
            for name, statuses in (("own", (200, 304)), ("others", (404, 404))):
                for status, headers in zip(statuses, ({}, {"If-None-Match": tag}), strict=True):
                    response = reader.get(path, auth=(name, f"{name}-secret"), headers=headers)
                    assert response.status_code == status
    assert [name for (name,) in audit_rows(engine, "reader")] == ["all", "own", "own"] * len(READS)


@pytest.mark.usefixtures("_stored")
def test_concurrent_readers_leave_a_row_each(shared_app: Flask, engine: Engine) -> None:
    """Readers that share one rendering leave a row each, with their own request ids."""

    def read(number: int) -> int:
        client = shared_app.test_client()
        headers = {"X-Request-ID": f"request-{number}"}
        path = f"{TRANSCRIPT}?format={list(FORMATS)[number % 2]}"
        return client.get(path, auth=("dev", "dev-secret"), headers=headers).status_code

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(read, range(32))) == {200}
    ids = [request_id for (request_id,) in audit_rows(engine, "request_id")]
    assert sorted(ids) == sorted(f"request-{number}" for number in range(32))


_requests = st.tuples(
    st.sampled_from(["GET", "HEAD"]),
    st.sampled_from(["job", "short", "running", "unknown"]),
    st.sampled_from(["/Transcript", "/Transcript?format=vtt", "/Transcript.txt", ""]),
    st.booleans(),  # with the ETag of the answer before
    st.booleans(),  # compressed
    st.sampled_from(["nothing", "replace", "erase"]),
)


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(_requests, max_size=8))
def test_rows_are_the_answers_with_a_text(
    reader: FlaskClient, engine: Engine, requests: list[tuple[str, str, str, bool, bool, str]]
) -> None:
    """Whatever is requested, replaced or erased, the rows are exactly the answers with a text."""
    truncate(engine)
    record_callback(engine, STORED)
    record_callback(engine, callback("short", sentences=[]))
    record_callback(engine, callback("running", status="running"))
    tag, answered = "", []
    for number, (method, job, path, is_conditional, is_compressed, change) in enumerate(requests):
        headers = {"If-None-Match": tag} if is_conditional else {}
        response = reader.open(
            f"/v3/Transcriptions/{job}{path}",
            method=method,
            headers=headers | (GZIP if is_compressed else {}) | {"X-Request-ID": str(number)},
        )
        tag = response.headers.get("ETag", tag)
        if path and response.status_code in {200, 304}:
            answered.append((job, response.status_code, str(number)))
        if change == "replace":
            body = callback(job, sentences=[{"text": "Newer."}], duration=number)
            record_callback(engine, body)
        elif change == "erase":
            with engine.connect() as connection:
                connection.execute(text("UPDATE events SET body = NULL WHERE job_id = 'job'"))
    assert audit_rows(engine, "job_id", "status", "request_id") == answered


def _requests_of_all_routes(app: Flask) -> Iterator[tuple[str, str, str]]:
    """Yield endpoint, method and path of every route; a new variable must be in PATH_VALUES."""
    for rule in app.url_map.iter_rules():
        _, path = rule.build({name: PATH_VALUES[name] for name in rule.arguments}) or ("", "")
        assert path, rule
        for method in sorted((rule.methods or set()) - {"OPTIONS"}):
            yield rule.endpoint, method, path


def test_every_route_that_returns_a_text_is_audited(shared_app: Flask, engine: Engine) -> None:
    """A route whose answer contains what was said leaves a row, and no other route does."""
    key = ApiKey("dev", "dev-secret", scopes=frozenset(SCOPES))
    headers = {
        "Authorization": "Bearer dev-secret",
        "Cookie": f"{COOKIE}={make_session(key, int(time.time()) + 60)}",
        "Sec-Fetch-Site": "same-origin",
    }
    reading = set()
    with changed_settings(shared_app, api_keys=(key,), search=True):
        for endpoint, method, path in _requests_of_all_routes(shared_app):
            truncate(engine)
            record_callback(engine, STORED)
            index(engine)
            response = shared_app.test_client(use_cookies=False).open(
                QUERIES.get(path, path), method=method, headers=headers
            )
            has_text = MARK in response.text
            is_head = method == "HEAD" and endpoint in READING_ENDPOINTS
            assert len(_rows(engine)) == (has_text or is_head), (endpoint, method)
            reading |= {endpoint} if has_text else set()
    assert reading == READING_ENDPOINTS


def test_every_http_route_of_the_audit_is_tested() -> None:
    """Each value of `Route` is tested here, or is one of these others, or a command."""
    others = {Route.LINK, Route.CONSOLE, Route.EXPORT, Route.SEARCH}
    routes = {route for _, route, _ in READS.values()} | others
    assert {route for route in Route if not route.startswith("command ")} == routes
