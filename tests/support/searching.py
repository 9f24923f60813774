"""Transcripts to search, the index of them, and the answers of the search."""

from collections import Counter
from typing import Any

from flask.testing import FlaskClient
from sqlalchemy import Engine

from receiver.search.index import index_changes
from tests.support.stored_callbacks import callback, json_of, record_callback

PARTICIPANTS = [
    {"type": "CUSTOMER", "name": "Jane", "audioChannelIndex": 1},
    {"type": "HUMAN_AGENT", "name": "Smith", "audioChannelIndex": 2},
]


def record_spoken(
    engine: Engine, job: str, *texts: str, language: str | None = "en-US", **members: Any
) -> None:
    """Record a callback in which customer and agent say these sentences in turn."""
    sentences = [
        {"text": text, "startTimeSeconds": 2.5 * number, "audioChannelIndex": 1 + number % 2}
        for number, text in enumerate(texts)
    ]
    described = {
        "participants": PARTICIPANTS,
        "resolvedConfiguration": {"language": language},
        "sentences": sentences,
    }
    record_callback(engine, callback(job, **described | members))


def index(engine: Engine) -> Counter[str]:
    """Index what has changed; return what was done."""
    return sum(index_changes(engine), Counter())


def find(client: FlaskClient, q: str, **arguments: Any) -> dict[str, Any]:
    """Return the answer to a search."""
    response = client.get("/v3/Search", query_string={"q": q, **arguments})
    assert response.status_code == 200, response.text

    return json_of(response)


def found(client: FlaskClient, q: str, **arguments: Any) -> list[str]:
    """Return the ids of the jobs that a search finds, on its first page."""
    return [hit["transcriptionId"] for hit in find(client, q, **arguments)["hits"]]
