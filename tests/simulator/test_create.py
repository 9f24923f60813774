"""The rules of the create request, each with the error code that Twilio documents for it."""

import re
from typing import Any

import pytest

from receiver.simulator.configurations import CALLBACK_ONLY, DOCUMENTED
from tests.simulator.conftest import Http, assert_problem
from tests.support.paths import ROOT
from tests.support.simulator.account import BY_RECORDING, BY_URL, PARTICIPANTS

CUSTOMER, AGENT = PARTICIPANTS
UNKNOWN = f"voice_transcriptionconfiguration_{'0' * 26}"


def _without(document: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in document.items() if name not in names}


@pytest.mark.parametrize("document", [BY_RECORDING, BY_URL, _without(BY_RECORDING, "participants")])
def test_valid_request_is_accepted(http: Http, document: dict[str, Any]) -> None:
    """The rule: a job has a Recording or a URL, with or without participants."""
    assert http.create(document).status_code == 202


@pytest.mark.parametrize(
    ("configuration", "code"), [(None, 17501), ("calls", 17501), (7, 17501), (UNKNOWN, 17530)]
)
def test_configuration_is_required(http: Http, configuration: object, code: int) -> None:
    """The rule: every job names a configuration (17501), which exists (17530)."""
    answer = http.create({**BY_RECORDING, "transcriptionConfigurationId": configuration})
    assert_problem(answer, code, "#/transcriptionConfigurationId")


def test_one_source_is_required(http: Http) -> None:
    """The rule: a request has exactly one of `sourceId` and `mediaUrl` (17500 without either)."""
    assert_problem(http.create(_without(BY_RECORDING, "sourceId")), 17500, None)
    assert_problem(http.create({**BY_RECORDING, **BY_URL}), 20001, "#/mediaUrl")


@pytest.mark.parametrize(
    "sid", ["REE3A2B046E52271B586425C61D84CA90E", "RExxxx", "CA" + "0" * 32, "RE" + "0" * 31, 5]
)
def test_source_is_a_recording_sid(http: Http, sid: object) -> None:
    """The rule: `sourceId` is the SID of a Recording (17502)."""
    assert_problem(http.create({**BY_RECORDING, "sourceId": sid}), 17502, "#/sourceId")


@pytest.mark.parametrize(
    "media_url", ["recording.wav", "ftp://example.com/a.wav", "https://", 5, "http://["]
)
def test_media_url_is_a_url(http: Http, media_url: object) -> None:
    """The rule: `mediaUrl` is the web address of a file."""
    assert_problem(http.create({**BY_URL, "mediaUrl": media_url}), 20001, "#/mediaUrl")


def test_account_may_be_refused(http: Http) -> None:
    """The rule: an account that isn't eligible gets 403 (17531)."""
    answer = http.create({**BY_RECORDING, "sourceId": f"RE17531{'0' * 27}"})
    assert answer.status_code == 403
    assert_problem(answer, 17531, None)


def test_participants_of_a_recording_are_two_people(http: Http) -> None:
    """The customer and the agent of a recorded call have different names."""
    answers = [http.create(_without(BY_RECORDING, "participants")) for _ in range(30)]
    jobs = [answer.json()["transcription"] for answer in answers]
    assert {len({person["name"] for person in job["participants"]}) for job in jobs} == {2}


def test_documented_examples_work(http: Http) -> None:
    """The configuration and the name in the documentation's examples can be used here."""
    example = re.search(r"submit --configuration (\S+)", (ROOT / "docs/submitting.md").read_text())
    assert example
    assert example[1] == DOCUMENTED
    assert (
        http.create({**BY_RECORDING, "transcriptionConfigurationId": DOCUMENTED}).status_code == 202
    )


def test_external_or_encrypted_recording_is_refused(http: Http) -> None:
    """The rule: `sourceId` isn't for externally stored or encrypted Recordings (17533)."""
    answer = http.create({**BY_RECORDING, "sourceId": f"RE17533{'0' * 27}"})
    assert_problem(answer, 17533, "#/sourceId")


def test_recording_must_exist(http: Http) -> None:
    """The rule: a Recording that doesn't exist is answered with 404."""
    answer = http.create({**BY_RECORDING, "sourceId": f"RE20404{'0' * 27}"})
    assert_problem(answer, 20404, "#/sourceId")
    assert answer.status_code == 404


def test_addresses_must_be_known(http: Http) -> None:
    """The rule: a Recording without addresses is a 422, unless the request has them (17563)."""
    document = {**BY_RECORDING, "sourceId": f"RE17563{'0' * 27}"}
    answer = http.create(_without(document, "participants"))
    assert_problem(answer, 17563, "#/participants")
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
def test_participant_is_validated(
    http: Http, document: dict[str, Any], participants: object, code: int, pointer: str
) -> None:
    """The rule: each participant is alone on channel 1 or 2, and has one of three types or none."""
    assert_problem(http.create({**document, "participants": participants}), code, pointer)


@pytest.mark.parametrize(
    ("document", "counts"),
    [
        (BY_RECORDING, {0, 2}),
        (BY_URL, {2}),
        ({**BY_URL, "transcriptionConfigurationId": CALLBACK_ONLY}, {0, 1, 2}),
    ],
)
def test_number_of_participants_is_validated(
    http: Http, document: dict[str, Any], counts: set[int]
) -> None:
    """The rule: a `mediaUrl` with a conversation requires participant information (17510)."""
    for count in range(4):
        people = [CUSTOMER, AGENT, CUSTOMER][:count]
        answer = http.create({**document, "participants": people})
        if count in counts:
            assert answer.status_code == 202
        else:
            assert_problem(answer, 17510, "#/participants")


def test_conversation_needs_a_customer_and_addresses(http: Http) -> None:
    """The rule: a conversation needs each participant's address, and one CUSTOMER."""
    agents = [{**CUSTOMER, "type": "AI_AGENT"}, AGENT]
    assert_problem(http.create({**BY_URL, "participants": agents}), 17516, "#/participants")
    for address in (None, ""):
        people = [CUSTOMER, {**AGENT, "address": address}]
        answer = http.create({**BY_URL, "participants": people})
        assert_problem(answer, 17517, "#/participants/1/address")
        assert http.create({**BY_RECORDING, "participants": people}).status_code == 202
    elsewhere = {**BY_URL, "participants": agents, "transcriptionConfigurationId": CALLBACK_ONLY}
    assert http.create(elsewhere).status_code == 202


@pytest.mark.parametrize("document", [BY_RECORDING, BY_URL])
def test_omitted_types_are_the_defaults(http: Http, document: dict[str, Any]) -> None:
    """The rule: if all participants omit `type`, the configuration's defaults apply (17515)."""
    people = [_without(person, "type", "name") for person in PARTICIPANTS]
    answer = http.create({**document, "participants": people})
    assert answer.json()["transcription"]["participants"] == [
        _without(person, "name") for person in PARTICIPANTS
    ]


def test_null_is_absent(http: Http) -> None:
    """The rule that the SDK relies on: a member that is null is absent."""
    nulls = {"mediaUrl": None, "audioStartedAt": None, "inputSource": None, "participants": None}
    assert http.create({**BY_RECORDING, **nulls}).status_code == 202


@pytest.mark.parametrize(
    ("document", "member", "value"),
    [
        (BY_RECORDING, "color", "blue"),
        (BY_RECORDING, "audioStartedAt", "2026-03-10T19:42:16Z"),
        (BY_RECORDING, "inputSource", "MEDIA_URL"),
        (BY_URL, "inputSource", "SOURCE_ID"),
        (BY_URL, "audioStartedAt", "yesterday"),
        (BY_URL, "audioStartedAt", "2026-03-10"),
        (BY_URL, "audioStartedAt", "2026-13-10T19:42:16Z"),
    ],
)
def test_invalid_member_is_refused(
    http: Http, document: dict[str, Any], member: str, value: str
) -> None:
    """The rule of Twilio's description: no additional properties, and each has its own type."""
    assert_problem(http.create({**document, member: value}), 20001, f"#/{member}")


def test_every_error_is_reported(http: Http) -> None:
    """The problem names every error with its JSON Pointer, and has the code of the first."""
    problem = http.create({"sourceId": "RE1", "a/b~c": 1, "participants": [CUSTOMER]}).json()
    assert problem["code"] == 17501
    assert [error["pointer"] for error in problem["errors"]] == [
        "#/transcriptionConfigurationId",
        "#/a~1b~0c",
        "#/sourceId",
        "#/participants",
    ]


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff", b"7"])
def test_body_must_be_a_json_object(http: Http, body: bytes) -> None:
    """A body that isn't a JSON object is 400 with 20001."""
    answer = http.session.post(
        f"{http.url}/v3/Transcriptions",
        data=body,
        headers={"Content-Type": "application/json"},
        timeout=10,
    )
    assert_problem(answer, 20001, None)


def test_body_over_the_limit_is_refused(http: Http) -> None:
    """A body of more than 64 KiB is 413."""
    assert_problem(http.create({**BY_URL, "color": "b" * 70_000}), 20413, None)
