"""Fetching a transcript."""

from dataclasses import replace

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine, update

from receiver.lookup import transcripts
from receiver.lookup.formats import FORMATS
from receiver.store.tables import events
from schemas.query import TranscriptQuery
from tests.support.paths import ROOT
from tests.support.stored_callbacks import callback, json_of, record_callback

SAMPLE = ROOT / "tests" / "samples" / "completed_flat.json"
URL = "/v3/Transcriptions/voice_transcription_7n7hnd7sf68yfv5re42nvvz7aa/Transcript"

Statements = list[tuple[str, dict[str, object]]]


@pytest.fixture
def sample(engine: Engine) -> None:
    """Put the sample in."""
    record_callback(engine, SAMPLE.read_bytes())


@pytest.mark.usefixtures("sample")
@pytest.mark.parametrize(
    ("accept", "content_type", "beginning"),
    [
        ("*/*", "application/json", b'{"id":'),
        ("application/json", "application/json", b'{"id":'),
        ("text/plain", "text/plain; charset=utf-8", b"Jane Doe: Hi, I am calling"),
        ("text/vtt", "text/vtt; charset=utf-8", b"WEBVTT\n"),
        ("application/x-subrip", "application/x-subrip", b"1\n00:00:00,320 --> "),
    ],
)
def test_accept_chooses_the_format(
    reader: FlaskClient, accept: str, content_type: str, beginning: bytes
) -> None:
    """Each format goes out under its own type, and says that Accept made the difference."""
    response = reader.get(URL, headers={"Accept": accept})
    assert response.status_code == 200
    assert response.content_type == content_type
    assert response.data.startswith(beginning)
    assert response.vary.as_set() == {"accept"}


@pytest.mark.usefixtures("sample")
def test_format_overrides_accept(reader: FlaskClient) -> None:
    """`?format=` wins over the header, even over one that can't be served."""
    response = reader.get(f"{URL}?format=vtt", headers={"Accept": "image/png"})
    assert response.data.startswith(b"WEBVTT\n")


def test_the_query_knows_every_format() -> None:
    """What the schema of the query allows is what there is."""
    assert TranscriptQuery().fields["format"].validators[0].choices == list(FORMATS)  # type: ignore[attr-defined] # it is a OneOf


@pytest.mark.usefixtures("sample")
def test_an_accept_that_cannot_be_served_is_406(reader: FlaskClient) -> None:
    """The problem names the types that there are."""
    response = reader.get(URL, headers={"Accept": "image/png"})
    assert (response.status_code, response.vary.as_set()) == (406, {"accept"})
    assert "text/vtt" in response.text


@pytest.mark.usefixtures("sample")
@pytest.mark.parametrize("query", ["format=pdf", "format=", "format=VTT", "format=vtt&format=srt"])
def test_an_unknown_format_is_400(reader: FlaskClient, query: str) -> None:
    """The problem points at the parameter."""
    response = reader.get(f"{URL}?{query}")
    assert response.status_code == 400
    assert json_of(response)["errors"][0]["pointer"] == "/format"


@pytest.mark.usefixtures("sample")
def test_each_format_has_its_etag(reader: FlaskClient) -> None:
    """The ETags are strong and distinct; each is answered 304 for its own format alone."""
    tags = {name: reader.get(f"{URL}?format={name}").headers["ETag"] for name in FORMATS}
    assert len(set(tags.values())) == len(FORMATS)
    for name in FORMATS:
        for held, tag in tags.items():
            assert tag.startswith('"')
            response = reader.get(f"{URL}?format={name}", headers={"If-None-Match": tag})
            assert response.status_code == (304 if held == name else 200)


@pytest.mark.usefixtures("sample")
def test_what_the_client_holds_is_not_read(reader: FlaskClient, statements: Statements) -> None:
    """A 304 costs one statement that leaves the ledger alone; a 200 costs one more."""
    tag = reader.get(URL).headers["ETag"]
    assert [("events" in statement) for statement, _ in statements] == [False, True]
    statements.clear()
    held = reader.get(URL, headers={"If-None-Match": tag})
    assert (held.status_code, held.data, held.vary.as_set()) == (304, b"", {"accept"})
    assert [("events" in statement) for statement, _ in statements] == [False]


@pytest.mark.usefixtures("sample")
def test_head_tells_the_length(reader: FlaskClient) -> None:
    """HEAD has the headers of GET."""
    assert reader.head(URL).headers == reader.get(URL).headers


def test_an_unknown_job_has_none(reader: FlaskClient) -> None:
    """The problem says that nobody has told of the job."""
    response = reader.get(URL)
    assert (response.status_code, "Retry-After" in response.headers) == (404, False)
    assert "is not known here" in response.text


@pytest.mark.parametrize("status", ["pending", "running"])
def test_a_job_that_is_not_over_has_none_yet(
    reader: FlaskClient, engine: Engine, status: str
) -> None:
    """The problem says so, and when to ask again."""
    record_callback(engine, callback("job", status=status))
    response = reader.get("/v3/Transcriptions/job/Transcript")
    assert (response.status_code, "Retry-After" in response.headers) == (404, True)
    assert f"The job is {status.upper()}" in response.text


def test_a_failed_job_has_none(reader: FlaskClient, engine: Engine) -> None:
    """The problem says that it failed."""
    record_callback(engine, callback("job", status="failed"))
    response = reader.get("/v3/Transcriptions/job/Transcript")
    assert (response.status_code, "Retry-After" in response.headers) == (404, False)
    assert "The job failed" in response.text


def test_a_completed_job_may_lack_it(reader: FlaskClient, engine: Engine) -> None:
    """The problem says that no callback brought it, and where those are listed that came."""
    record_callback(engine, callback("job"))
    response = reader.get("/v3/Transcriptions/job/Transcript")
    assert response.status_code == 404
    assert "http://localhost/v3/Transcriptions/job/Callbacks" in response.text


@pytest.mark.usefixtures("sample")
def test_an_erased_transcript_is_said_to_be_erased(reader: FlaskClient, engine: Engine) -> None:
    """Where the body is gone while its digest stays, the problem says so."""
    with engine.connect() as connection:
        connection.execute(update(events).values(body=None))
    response = reader.get(URL)
    assert response.status_code == 404
    assert "It was erased." in response.text


@pytest.mark.usefixtures("sample")
@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize(
    "body", [b"[" * 100_000, b'{"text": "A word', b'"\xff A word"', b'["A word"]']
)
def test_a_body_that_cannot_be_read_any_more_is_500(
    reader: FlaskClient, engine: Engine, caplog: pytest.LogCaptureFixture, name: str, body: bytes
) -> None:
    """The problem says where its bytes are, and the log nothing of them."""
    with engine.connect() as connection:
        connection.execute(update(events).values(body=body))
    response = reader.get(f"{URL}?format={name}")
    assert (response.status_code, response.content_type) == (500, "application/problem+json")
    assert "/Callbacks" in json_of(response)["detail"]
    assert [record.getMessage() for record in caplog.records] == [
        "transcript not readable: UndecodableError"
    ]
    assert not any("A word" in said for said in (caplog.text, response.text))
    assert not any(record.exc_info for record in caplog.records)


@pytest.mark.usefixtures("sample")
def test_a_fault_of_ours_tells_nothing_of_the_transcript(
    reader: FlaskClient, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever fails in an unforeseen way is a 500 problem; the log tells where, not what."""

    def fail(document: object) -> bytes:
        raise LookupError(f"odd: {document}")

    failing = replace(FORMATS["text"], render=fail)
    monkeypatch.setattr(transcripts, "FORMATS", {**FORMATS, "text": failing})
    response = reader.get(f"{URL}?format=text")
    assert (response.status_code, response.content_type) == (500, "application/problem+json")
    [record] = caplog.records
    assert record.getMessage().startswith("a request failed: LookupError in ")
    assert record.exc_info is None
    assert not any("odd" in said for said in (caplog.text, response.text))


def test_an_empty_transcript_is_one(reader: FlaskClient, engine: Engine) -> None:
    """A call in which nobody spoke has a transcript without sentences."""
    record_callback(engine, callback("job", sentences=[]))
    response = reader.get("/v3/Transcriptions/job/Transcript")
    assert json_of(response) == {"id": "job", "participants": [], "sentences": []}


def test_an_enveloped_callback_is_read_too(reader: FlaskClient, engine: Engine) -> None:
    """The transcript is found in a body of either shape."""
    inner = callback("job", sentences=[{"text": "Hello.", "audioChannelIndex": 1}]).decode()
    record_callback(engine, f'{{"operationId": "job", "transcription": {inner}}}'.encode())
    assert reader.get("/v3/Transcriptions/job/Transcript?format=text").text == "Channel 1: Hello.\n"
