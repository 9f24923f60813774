"""What Twilio refuses to transcribe: the rules of the create request, each with its error code."""

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from receiver.simulator import media
from receiver.simulator.participants import participant_faults
from receiver.simulator.problem import Fault

RECORDING_SID = re.compile(r"RE[0-9a-f]{32}")
_CONFIGURATION_ID = re.compile(r"voice_transcriptionconfiguration_[0-9a-z]{26}")
_DATE_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)")

_COMMON = {"transcriptionConfigurationId", "inputSource", "participants"}
_SOURCES = {"sourceId": "SOURCE_ID", "mediaUrl": "MEDIA_URL"}


def faults(document: dict[str, Any], configuration: dict[str, Any] | None) -> Iterator[Fault]:
    """Tell everything that is wrong with a request; `configuration` is the one it names, if any."""
    yield from _configuration_faults(document.get("transcriptionConfigurationId"), configuration)
    given = [name for name in _SOURCES if document.get(name) is not None]
    if not given:
        yield Fault(17500, "Either sourceId or mediaUrl is required.")
        return
    if len(given) > 1:
        yield Fault(20001, "sourceId and mediaUrl must not both be given.", "#/mediaUrl")
        return
    yield from _member_faults(document, given[0])
    if given[0] == "sourceId":
        yield from _recording_faults(document)
    else:
        yield from _media_faults(document)
    stored = bool(configuration and configuration["configuration"]["conversationConfigurationId"])
    yield from participant_faults(
        document.get("participants"), recorded=given[0] == "sourceId", stored=stored
    )


def moment(text: Any) -> datetime | None:
    """Return the moment that an RFC 3339 date-time names, None if it is none."""
    if not (isinstance(text, str) and _DATE_TIME.fullmatch(text)):
        return None
    try:
        return datetime.fromisoformat(text.upper())
    except ValueError:
        return None


def _configuration_faults(given: Any, found: dict[str, Any] | None) -> Iterator[Fault]:
    pointer = "#/transcriptionConfigurationId"
    if not (isinstance(given, str) and _CONFIGURATION_ID.fullmatch(given)):
        yield Fault(17501, "transcriptionConfigurationId is required, as its id.", pointer)
    elif found is None:
        yield Fault(17530, "There is no such transcription configuration.", pointer)


def _member_faults(document: dict[str, Any], source: str) -> Iterator[Fault]:
    known = _COMMON | {source} | ({"audioStartedAt"} if source == "mediaUrl" else set())
    for name, value in document.items():
        if name not in known and value is not None:
            yield Fault(20001, "This member is not known here.", f"#/{_escaped(name)}")
    if document.get("inputSource") not in {None, _SOURCES[source]}:
        yield Fault(20001, f"inputSource must be {_SOURCES[source]} here.", "#/inputSource")


def _recording_faults(document: dict[str, Any]) -> Iterator[Fault]:
    sid = document["sourceId"]
    if not (isinstance(sid, str) and RECORDING_SID.fullmatch(sid)):
        yield Fault(17502, "sourceId must be RE and 32 hexadecimal digits.", "#/sourceId")
        return
    code = media.code_of(sid, None)
    if code == media.NOT_FOUND:
        yield Fault(20404, "The referenced recording does not exist.", "#/sourceId")
    if code == media.NOT_ELIGIBLE:
        yield Fault(
            17533, "The recording is unfinished, encrypted or stored elsewhere.", "#/sourceId"
        )
    if code == media.UNRESOLVED and not document.get("participants"):
        yield Fault(17563, "The recording doesn't tell who took part.", "#/participants")


def _media_faults(document: dict[str, Any]) -> Iterator[Fault]:
    if not _is_web_address(document["mediaUrl"]):
        yield Fault(20001, "mediaUrl must be an http or https URL.", "#/mediaUrl")
    started = document.get("audioStartedAt")
    if started is not None and moment(started) is None:
        yield Fault(20001, "audioStartedAt must be an RFC 3339 date-time.", "#/audioStartedAt")


def _is_web_address(text: Any) -> bool:
    try:
        parts = urlsplit(text if isinstance(text, str) else "")
    except ValueError:
        return False

    return parts.scheme in {"http", "https"} and bool(parts.hostname)


def _escaped(name: str) -> str:
    """Return a member's name as a JSON Pointer writes it (RFC 6901)."""
    return name.replace("~", "~0").replace("/", "~1")
