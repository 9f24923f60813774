"""Validates a request to create a job: Twilio's rules, each with its error code."""

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from receiver.simulator import media_errors
from receiver.simulator.clock import parse_date_time
from receiver.simulator.errors import Violation
from receiver.simulator.participants import participant_violations

RECORDING_SID = re.compile(r"RE[0-9a-f]{32}")
_CONFIGURATION_ID = re.compile(r"voice_transcriptionconfiguration_[0-9a-z]{26}")

_COMMON_MEMBERS = {"transcriptionConfigurationId", "inputSource", "participants"}
_INPUT_SOURCES = {"sourceId": "SOURCE_ID", "mediaUrl": "MEDIA_URL"}


def request_violations(
    document: dict[str, Any], configuration: dict[str, Any] | None
) -> Iterator[Violation]:
    """Yield the violations; `configuration` is the one that the document names, if it exists."""
    yield from _configuration_violations(
        document.get("transcriptionConfigurationId"), configuration
    )
    sources = [name for name in _INPUT_SOURCES if document.get(name) is not None]
    if not sources:
        yield Violation(17500, "Either sourceId or mediaUrl is required.")
        return
    if len(sources) > 1:
        yield Violation(20001, "sourceId and mediaUrl must not both be given.", "#/mediaUrl")
        return
    [source] = sources
    is_recording = source == "sourceId"
    yield from _member_violations(document, source)
    if is_recording:
        yield from _recording_violations(document)
    else:
        yield from _media_violations(document)
    has_conversation = bool(
        configuration and configuration["configuration"]["conversationConfigurationId"]
    )
    yield from participant_violations(
        document.get("participants"), is_recording=is_recording, has_conversation=has_conversation
    )


def _configuration_violations(
    configuration_id: Any, configuration: dict[str, Any] | None
) -> Iterator[Violation]:
    pointer = "#/transcriptionConfigurationId"
    if not (isinstance(configuration_id, str) and _CONFIGURATION_ID.fullmatch(configuration_id)):
        yield Violation(
            17501, "transcriptionConfigurationId must be a configuration's id.", pointer
        )
    elif configuration is None:
        yield Violation(17530, "There is no such transcription configuration.", pointer)


def _member_violations(document: dict[str, Any], source: str) -> Iterator[Violation]:
    known = _COMMON_MEMBERS | {source} | ({"audioStartedAt"} if source == "mediaUrl" else set())
    for name, value in document.items():
        if name not in known and value is not None:
            yield Violation(20001, "This member is not known here.", f"#/{_escape(name)}")
    if document.get("inputSource") not in {None, _INPUT_SOURCES[source]}:
        yield Violation(
            20001, f"inputSource must be {_INPUT_SOURCES[source]} here.", "#/inputSource"
        )


def _recording_violations(document: dict[str, Any]) -> Iterator[Violation]:
    sid = document["sourceId"]
    if not (isinstance(sid, str) and RECORDING_SID.fullmatch(sid)):
        yield Violation(17502, "sourceId must be RE and 32 hexadecimal digits.", "#/sourceId")
        return
    code = media_errors.media_error_code(sid, None)  # a SID may select an error to simulate
    if code == media_errors.NOT_FOUND:
        yield Violation(20404, "The referenced recording does not exist.", "#/sourceId")
    if code == media_errors.ACCOUNT_NOT_ELIGIBLE:
        yield Violation(17531, "The account may not create transcriptions.")
    if code == media_errors.NOT_ELIGIBLE:
        yield Violation(
            17533, "The recording is unfinished, encrypted or stored elsewhere.", "#/sourceId"
        )
    if code == media_errors.UNRESOLVED and not document.get("participants"):
        yield Violation(17563, "The recording's participants are unknown.", "#/participants")


def _media_violations(document: dict[str, Any]) -> Iterator[Violation]:
    if not _is_http_url(document["mediaUrl"]):
        yield Violation(20001, "mediaUrl must be an http or https URL.", "#/mediaUrl")
    started_at = document.get("audioStartedAt")
    if started_at is not None and parse_date_time(started_at) is None:
        yield Violation(20001, "audioStartedAt must be an RFC 3339 date-time.", "#/audioStartedAt")


def _is_http_url(text: Any) -> bool:
    try:
        parts = urlsplit(text if isinstance(text, str) else "")
    except ValueError:
        return False

    return parts.scheme in {"http", "https"} and bool(parts.hostname)


def _escape(name: str) -> str:
    """Return a member's name as it is written in a JSON Pointer (RFC 6901)."""
    return name.replace("~", "~0").replace("/", "~1")
