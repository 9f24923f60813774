"""The rules of the create request, each with the error code that Twilio documents for it."""

from typing import Any

import pytest
import requests

from receiver.simulator.configurations import CALLBACK_ONLY
from receiver.simulator.simulator import Simulator
from tests.simulator.conftest import Http
from tests.support.simulator.account import BY_RECORDING, BY_URL, PARTICIPANTS

CUSTOMER, AGENT = PARTICIPANTS
UNKNOWN = f"voice_transcriptionconfiguration_{'0' * 26}"


def _without(document: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in document.items() if name not in names}


def _refused(answer: requests.Response, code: int, pointer: str | None) -> None:
    """Assert that the answer is the problem document of that code."""
    problem = answer.json()
    assert (problem["code"], problem["status"]) == (code, answer.status_code), problem
    assert problem["type"] == f"https://www.twilio.com/docs/api/errors/{code}"
    assert len(problem["title"]) >= 16
    assert len(problem["detail"]) >= 16
    assert [error["pointer"] for error in problem.get("errors", [])][:1] == (
        [pointer] if pointer else []
    )


@pytest.mark.parametrize("document", [BY_RECORDING, BY_URL, _without(BY_RECORDING, "participants")])
def test_right_requests_are_accepted(http: Http, document: dict[str, Any]) -> None:
    """The rule: a job is of a Recording or of a file elsewhere, with participants or without."""
    assert http.create(document).status_code == 202


@pytest.mark.parametrize(
    ("configuration", "code"), [(None, 17501), ("calls", 17501), (7, 17501), (UNKNOWN, 17530)]
)
def test_a_configuration_is_required(http: Http, configuration: object, code: int) -> None:
    """The rule: every job names a configuration (17501) that is there (17530)."""
    answer = http.create({**BY_RECORDING, "transcriptionConfigurationId": configuration})
    _refused(answer, code, "#/transcriptionConfigurationId")


def test_one_source_is_required(http: Http) -> None:
    """The rule: exactly one of `sourceId` and `mediaUrl` is given (17500 where neither is)."""
    _refused(http.create(_without(BY_RECORDING, "sourceId")), 17500, None)
    _refused(http.create({**BY_RECORDING, **BY_URL}), 20001, "#/mediaUrl")


@pytest.mark.parametrize(
    "sid", ["REE3A2B046E52271B586425C61D84CA90E", "RExxxx", "CA" + "0" * 32, "RE" + "0" * 31, 5]
)
def test_a_source_is_a_recording_sid(http: Http, sid: object) -> None:
    """The rule: `sourceId` is the SID of a Recording (17502)."""
    _refused(http.create({**BY_RECORDING, "sourceId": sid}), 17502, "#/sourceId")


@pytest.mark.parametrize(
    "media_url", ["recording.wav", "ftp://example.com/a.wav", "https://", 5, "http://["]
)
def test_a_media_url_is_a_url(http: Http, media_url: object) -> None:
    """The rule: `mediaUrl` is the web address of a file."""
    _refused(http.create({**BY_URL, "mediaUrl": media_url}), 20001, "#/mediaUrl")


def test_recordings_stored_elsewhere_or_encrypted_are_refused(http: Http) -> None:
    """The rule: `sourceId` isn't for externally stored or encrypted Recordings (17533)."""
    answer = http.create({**BY_RECORDING, "sourceId": f"RE17533{'0' * 27}"})
    _refused(answer, 17533, "#/sourceId")


def test_a_recording_must_exist(http: Http) -> None:
    """The rule: 404 is answered where the referenced recording does not exist."""
    answer = http.create({**BY_RECORDING, "sourceId": f"RE20404{'0' * 27}"})
    _refused(answer, 20404, "#/sourceId")
    assert answer.status_code == 404


def test_addresses_must_be_known(http: Http) -> None:
    """The rule: a recording that tells no addresses is a 422, unless they are given (17563)."""
    document = {**BY_RECORDING, "sourceId": f"RE17563{'0' * 27}"}
    answer = http.create(_without(document, "participants"))
    _refused(answer, 17563, "#/participants")
    assert answer.status_code == 422
    assert http.create(document).status_code == 202


@pytest.mark.parametrize(
    ("participants", "code", "pointer"),
    [
        ([{"type": "CUSTOMER"}, AGENT], 17511, "#/participants/0/audioChannelIndex"),
        (
            [CUSTOMER, {**AGENT, "audioChannelIndex": 3}],
            17511,
            "#/participants/1/audioChannelIndex",
        ),
        (
            [{**CUSTOMER, "audioChannelIndex": 0}, AGENT],
            17511,
            "#/participants/0/audioChannelIndex",
        ),
        (
            [CUSTOMER, {**AGENT, "audioChannelIndex": 1.5}],
            17512,
            "#/participants/1/audioChannelIndex",
        ),
        (
            [CUSTOMER, {**AGENT, "audioChannelIndex": True}],
            17512,
            "#/participants/1/audioChannelIndex",
        ),
        (
            [CUSTOMER, {**AGENT, "audioChannelIndex": 1}],
            17513,
            "#/participants/1/audioChannelIndex",
        ),
        ([CUSTOMER, {**AGENT, "type": "AGENT"}], 17514, "#/participants/1/type"),
        ([CUSTOMER, _without(AGENT, "type")], 17515, "#/participants"),
        ([CUSTOMER, {**AGENT, "name": 5}], 20001, "#/participants/1/name"),
        ("Jane", 20001, "#/participants"),
        (["Jane", "Sam"], 20001, "#/participants"),
    ],
)
@pytest.mark.parametrize("document", [BY_RECORDING, BY_URL])
def test_participants_have_a_channel_and_one_of_three_types(
    http: Http, document: dict[str, Any], participants: object, code: int, pointer: str
) -> None:
    """The rule: each is on channel 1 or 2, alone, and is of one of three types, or of none."""
    _refused(http.create({**document, "participants": participants}), code, pointer)


@pytest.mark.parametrize(
    ("document", "counts"),
    [
        (BY_RECORDING, {0, 2}),
        (BY_URL, {2}),
        ({**BY_URL, "transcriptionConfigurationId": CALLBACK_ONLY}, {0, 1, 2}),
    ],
)
def test_participants_are_as_many_as_they_must(
    http: Http, document: dict[str, Any], counts: set[int]
) -> None:
    """The rule: stored in a conversation, a `mediaUrl` requires participant information (17510)."""
    for count in range(4):
        people = [CUSTOMER, AGENT, CUSTOMER][:count]
        answer = http.create({**document, "participants": people})
        if count in counts:
            assert answer.status_code == 202
        else:
            _refused(answer, 17510, "#/participants")


def test_a_conversation_needs_a_customer_and_addresses(http: Http) -> None:
    """The rule: a conversation has to know whose words it keeps, and who is the CUSTOMER."""
    agents = [{**CUSTOMER, "type": "AI_AGENT"}, AGENT]
    _refused(http.create({**BY_URL, "participants": agents}), 17516, "#/participants")
    for address in (None, ""):
        people = [CUSTOMER, {**AGENT, "address": address}]
        answer = http.create({**BY_URL, "participants": people})
        _refused(answer, 17517, "#/participants/1/address")
        assert http.create({**BY_RECORDING, "participants": people}).status_code == 202
    elsewhere = {**BY_URL, "participants": agents, "transcriptionConfigurationId": CALLBACK_ONLY}
    assert http.create(elsewhere).status_code == 202


@pytest.mark.parametrize("document", [BY_RECORDING, BY_URL])
def test_types_may_be_left_to_the_defaults(http: Http, document: dict[str, Any]) -> None:
    """The rule: omitted for all participants, the configuration's default types apply (17515)."""
    people = [_without(person, "type", "name") for person in PARTICIPANTS]
    answer = http.create({**document, "participants": people})
    assert answer.json()["transcription"]["participants"] == [
        _without(person, "name") for person in PARTICIPANTS
    ]


def test_nulls_count_as_absent(http: Http) -> None:
    """The rule that the SDK relies on: what is null isn't given."""
    nulls = {"mediaUrl": None, "audioStartedAt": None, "inputSource": None, "participants": None}
    assert http.create({**BY_RECORDING, **nulls}).status_code == 202


@pytest.mark.parametrize(
    ("document", "member", "value"),
    [
        (BY_RECORDING, "colour", "blue"),
        (BY_RECORDING, "audioStartedAt", "2026-03-10T19:42:16Z"),
        (BY_RECORDING, "inputSource", "MEDIA_URL"),
        (BY_URL, "inputSource", "SOURCE_ID"),
        (BY_URL, "audioStartedAt", "yesterday"),
        (BY_URL, "audioStartedAt", "2026-03-10"),
        (BY_URL, "audioStartedAt", "2026-13-10T19:42:16Z"),
    ],
)
def test_unknown_members_are_refused(
    http: Http, document: dict[str, Any], member: str, value: str
) -> None:
    """The rule of Twilio's description: no additional properties, and each of its own type."""
    _refused(http.create({**document, member: value}), 20001, f"#/{member}")


def test_every_fault_is_told(http: Http) -> None:
    """The problem names all that is wrong, each with its JSON Pointer; the code is the first's."""
    problem = http.create({"sourceId": "RE1", "a/b~c": 1, "participants": [CUSTOMER]}).json()
    assert problem["code"] == 17501
    assert [error["pointer"] for error in problem["errors"]] == [
        "#/transcriptionConfigurationId",
        "#/a~1b~0c",
        "#/sourceId",
        "#/participants",
    ]


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff", b"7"])
def test_a_body_must_be_a_json_object(http: Http, body: bytes) -> None:
    """What isn't an object of JSON is 400 with 20001."""
    answer = http.session.post(
        f"{http.url}/v3/Transcriptions",
        data=body,
        headers={"Content-Type": "application/json"},
        timeout=10,
    )
    _refused(answer, 20001, None)


def test_a_huge_body_is_not_read(http: Http) -> None:
    """More than 64 KiB are 413."""
    _refused(http.create({**BY_URL, "colour": "b" * 70_000}), 20413, None)


def test_a_key_returns_the_original(http: Http) -> None:
    """The rule: requests with the same `Idempotency-Key` return the original response."""
    first = http.create(BY_RECORDING, key="one")
    again = http.create(dict(reversed(BY_RECORDING.items())), key="one")
    other = http.create(BY_RECORDING, key="two")
    assert (again.status_code, again.content) == (202, first.content)
    assert again.headers["Idempotency-Key"] == "one"
    assert other.json()["transcription"]["id"] != first.json()["transcription"]["id"]


def test_a_key_belongs_to_its_payload(http: Http) -> None:
    """The rule: the original response is returned only when the payload matches exactly (17534)."""
    assert http.create(BY_RECORDING, key="one").status_code == 202
    _refused(http.create(BY_URL, key="one"), 17534, None)


def test_a_key_is_not_used_up_by_a_refusal(http: Http) -> None:
    """A request that made no job leaves its key free; a key has 128 characters at most."""
    assert http.create({}, key="one").status_code == 400
    assert http.create(BY_RECORDING, key="one").status_code == 202
    _refused(http.create(BY_RECORDING, key="k" * 129), 20001, None)


def test_a_key_is_forgotten_after_a_day(simulator: Simulator) -> None:
    """The rule: a key is known within a window, of a day here, and makes a new job after it."""
    first = simulator.create(BY_RECORDING, idempotency_key="one")
    simulator.advance(24 * 3600 - 1)
    later = simulator.create(BY_RECORDING, idempotency_key="two")
    assert simulator.create(BY_RECORDING, idempotency_key="one") is first
    simulator.advance(1)
    assert simulator.create(BY_URL, idempotency_key="one") is not first
    assert simulator.create(BY_RECORDING, idempotency_key="two") is later
