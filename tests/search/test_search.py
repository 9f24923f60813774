"""Tests of the answers of the search."""

from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine

from receiver.store.engine import transactional
from receiver.store.page import Span
from receiver.store.search.matches import Search, find_matches
from receiver.store.search.query import parse_query
from tests.support.callback_events import NOON
from tests.support.environment import changed_settings
from tests.support.samples import ACCOUNT, OTHER_ACCOUNT
from tests.support.searching import find, found, index, record_spoken


def test_hit_has_the_sentence(client: FlaskClient, engine: Engine) -> None:
    """A hit has the sentence with the words, its time, its speaker, and where the words are."""
    record_spoken(engine, "job", "Good morning.", "You may refund the Invoices, and refunds again.")
    index(engine)
    answer = find(client, "refunds invoice")
    [hit] = answer["hits"]
    ranges = [hit["sentence"][start:end] for start, end in hit.pop("highlights")]
    assert ranges == ["refund", "Invoices", "refunds"]
    url = "https://app.example.com/v3/Transcriptions/job"
    assert hit == {
        "transcriptionId": "job",
        "url": url,
        "links": {"transcript": f"{url}/Transcript", "callbacks": f"{url}/Callbacks"},
        "sentence": "You may refund the Invoices, and refunds again.",
        "seconds": 2.5,
        "speaker": "Smith",
    }
    assert answer["meta"] == {"key": "hits", "pageSize": 1}
    assert answer["indexedThrough"]


@pytest.mark.parametrize(
    ("query", "is_found"),
    [
        ("the", True),  # no word is too common
        ("to be or not to be", True),
        ('"not to be"', True),
        ('"be not to"', False),
        ("question answer", False),
        ("question or answer", True),
        ("question -answer", True),
        ("question -be", False),
        ("QUESTIONS", True),
        ("it's", True),
    ],
)
def test_query(client: FlaskClient, engine: Engine, query: str, is_found: bool) -> None:  # noqa: FBT001 - a parameter
    """All words have to occur; phrases, `or` and `-` do what they do in web searches."""
    record_spoken(engine, "job", "To be, or not to be: that is the question.", "It's so.")
    index(engine)
    assert found(client, query) == ["job"] * is_found


@pytest.mark.parametrize(
    ("language", "said", "query"),
    [
        ("de-DE", "Die Rückerstattungen für Österreich.", "rückerstattung österreich"),
        ("de", "STRASSE und ÜBERWEISUNG", "überweisungen"),
        ("es-ES", "Las devoluciones del año.", "devolución"),
        ("ru-RU", "Возврат денег за заказ ABC.", "возвраты abc"),
        ("pl-PL", "Zwrot pieniędzy, proszę.", "PIENIĘDZY"),
        ("ko-KR", "환불 해 주세요.", "환불"),
        ("tr-TR", "\u0130ade \u0130stanbul.", "istanbul"),
        (None, "Etwas Über alles.", "über"),
        ("el-GR", "ΕΠΙΣΤΡΟΦΉ χρημάτων", "επιστροφή"),
    ],
)
def test_languages(
    client: FlaskClient, engine: Engine, language: str, said: str, query: str
) -> None:
    """Each language has its own stems, or none; upper case of any script doesn't matter."""
    record_spoken(engine, "job", said, language=language)
    record_spoken(engine, "other", "Something else.")
    index(engine)
    [hit] = find(client, query)["hits"]
    assert hit["transcriptionId"] == "job"
    assert len(hit["highlights"]) == len(query.split())


def test_sentence_with_an_endless_word_has_no_highlights(
    client: FlaskClient, engine: Engine
) -> None:
    """Postgres leaves such a word out of what it marks, so the places of others are unknown."""
    record_spoken(engine, "job", f"{'x' * 3_000} refund")
    index(engine)
    [hit] = find(client, "refund")["hits"]
    assert hit["highlights"] == []


def test_highlights_are_limited(client: FlaskClient, engine: Engine) -> None:
    """A sentence that repeats the word without an end shows only where its first ones are."""
    record_spoken(engine, "job", "so " * 20_000)
    index(engine)
    [hit] = find(client, "so")["hits"]
    assert hit["highlights"] == [[start, start + 2] for start in range(0, 300, 3)]


@pytest.mark.parametrize("query", ["返金", "ありがとう", "ขอบคุณ", "refund 返金"])
def test_script_without_word_breaks(client: FlaskClient, engine: Engine, query: str) -> None:
    """A query in a script without spaces is refused, and such transcripts aren't indexed."""
    record_spoken(engine, "job", "返金 お願いします refund", language="ja-JP")
    assert index(engine) == {"unchanged": 1}
    assert found(client, "refund") == []
    response = client.get("/v3/Search", query_string={"q": query})
    assert response.status_code == 422
    assert "Not supported" in response.get_json()["detail"]


@pytest.mark.parametrize("query", ["", "?!", "-refund", "-refund -invoice", "x" * 201, "a\x00b"])
def test_unusable_query(client: FlaskClient, query: str) -> None:
    """A query without a word to look for, or with too many characters, is refused."""
    assert client.get("/v3/Search", query_string={"q": query}).status_code == 400


def test_missing_query(client: FlaskClient) -> None:
    """A request without a query and without a page token is refused."""
    assert client.get("/v3/Search").status_code == 400


def test_search_is_off(app: Flask, client: FlaskClient) -> None:
    """Without SEARCH, the route answers 404 and says how to turn it on."""
    with changed_settings(app, search=False):
        response = client.get("/v3/Search?q=refund")
    assert response.status_code == 404
    assert "SEARCH=1" in response.get_json()["detail"]


def test_speaker(client: FlaskClient, engine: Engine) -> None:
    """With `speaker`, only what these participants said is searched and shown."""
    record_spoken(engine, "job", "I want a refund.", "A refund of what?", "Of the invoice.")
    index(engine)
    [hit] = find(client, "refund", speaker="HUMAN_AGENT")["hits"]
    assert hit["sentence"] == "A refund of what?"
    assert found(client, "invoice", speaker="HUMAN_AGENT") == []
    assert found(client, "refund invoice", speaker="CUSTOMER") == ["job"]
    assert client.get("/v3/Search?q=refund&speaker=nobody").status_code == 400


def test_sentence_with_most_words_is_shown(client: FlaskClient, engine: Engine) -> None:
    """It is the first sentence that matches alone, else the first with the most words."""
    sentences = [
        "A refund is late.",
        "Late, late: a refund.",
        "The late refund of May.",
        "May.",
    ]
    record_spoken(engine, "job", *sentences)
    index(engine)
    shown = {
        query: find(client, query)["hits"][0]["sentence"]
        for query in (
            "refund",
            '"late refund"',
            "may refund",
            "refund or may",
            "hello or late",
        )
    }
    assert shown == {
        "refund": sentences[0],
        '"late refund"': sentences[2],
        "may refund": sentences[2],
        "refund or may": sentences[0],
        "hello or late": sentences[0],
    }


def test_pages(client: FlaskClient, engine: Engine) -> None:
    """Pages go on where the last one ended, newest first, with the query in the token."""
    for number in range(5):
        created_at = (NOON + timedelta(minutes=number)).isoformat()
        record_spoken(engine, f"job{number}", "A refund.", createdAt=created_at)
    index(engine)
    answer = find(client, "refund", pageSize=2)
    pages = [[hit["transcriptionId"] for hit in answer["hits"]]]
    while token := answer["meta"].get("nextToken"):
        assert "previousToken" not in answer["meta"]
        answer = client.get("/v3/Search", query_string={"pageToken": token}).get_json()
        pages.append([hit["transcriptionId"] for hit in answer["hits"]])
    assert pages == [["job4", "job3"], ["job2", "job1"], ["job0"]]


@pytest.mark.parametrize("limits", [{}, {"max_sorted": 0}], ids=["by words", "by time"])
def test_both_ways_to_read_find_the_same(engine: Engine, limits: dict[str, int]) -> None:
    """Few matches are sorted and many are read in the order of time, with the same pages."""
    languages = ["en-US", "de-DE", "pl-PL"]
    for number in range(12):
        created_at = (NOON + timedelta(minutes=number % 5)).isoformat()
        language, said = languages[number % 3], "So a refund." if number % 4 else "A so refund."
        members = {"language": language, "createdAt": created_at}
        record_spoken(engine, f"job{number:02}", said, "And more.", **members)
    index(engine)
    expected = sorted((number % 5, f"job{number:02}") for number in range(12) if number % 4)
    with transactional(engine).connect() as connection:
        for weight in (None, "A"):
            queries = parse_query(connection, '"a refund"')
            wanted = Search(queries=queries, weight=weight, account_id=ACCOUNT)
            page = find_matches(connection, wanted, Span(size=4), **limits)
            ids = [row["id"] for row in page.rows]
            while page.next:
                span = Span(size=4, cursor=page.next)
                page = find_matches(connection, wanted, span, **limits)
                ids += [row["id"] for row in page.rows]
            assert ids == [job for _, job in reversed(expected)]
            others = Search(queries=queries, weight=weight, account_id=OTHER_ACCOUNT)
            assert not find_matches(connection, others, Span(size=4), **limits).rows
