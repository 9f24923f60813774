"""The query parameters of each route."""

from collections import Counter
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, ClassVar

from marshmallow import Schema, ValidationError, fields, validate

from schemas.parameters import (
    DEFAULT_PAGE_SIZE,
    MAX_CURSOR_CHARACTERS,
    MAX_PAGE_SIZE,
    MAX_WAIT_SECONDS,
    AddressParameter,
    DateTimeParameter,
    PageSize,
    TextParameter,
    WaitSeconds,
)
from schemas.storable import Status
from schemas.unknown_parameters import describe_unknown

# The content type of each `?format=` of a transcript. The first is the default.
CONTENT_TYPES: Mapping[str, str] = MappingProxyType(
    {
        "json": "application/json",
        "text": "text/plain; charset=utf-8",
        "vtt": "text/vtt; charset=utf-8",
        "srt": "application/x-subrip; charset=utf-8",
    }
)


class Filters(Schema):
    """The filters of the list of jobs, loaded with the store's names of them."""

    status = Status(metadata={"description": "Only jobs in this status, in any case."})
    source_id = fields.String(
        data_key="sourceId",
        validate=validate.Regexp(
            r"RE[0-9a-f]{32}\Z",
            error="Must be a Recording SID: RE and 32 hexadecimal digits in lower case.",
        ),
        metadata={"description": "Only jobs of this Recording SID."},
    )
    created_after = DateTimeParameter(
        data_key="createdAfter",
        metadata={"description": "Only jobs created at or after this time."},
    )
    created_before = DateTimeParameter(
        data_key="createdBefore",
        metadata={"description": "Only jobs created before this time."},
    )
    language = TextParameter(
        data_key="languageCode",
        metadata={"description": "Only jobs with exactly this resolved language, such as en-US."},
    )
    conversation_id = TextParameter(
        data_key="conversationId",
        metadata={
            "description": "Only jobs with a transcript that is stored in this conversation."
        },
    )
    configuration_id = TextParameter(
        data_key="transcriptionConfigurationId",
        metadata={"description": "Only jobs of this Transcription Configuration."},
    )
    participant_address = AddressParameter(
        data_key="participantAddress",
        metadata={
            "description": "Only jobs with a participant who has exactly this address, such as "
            "+15551234567. In a URL, the + is written as %2B.",
        },
    )
    updated_after = DateTimeParameter(
        data_key="updatedAfter",
        metadata={"description": "Only jobs that Twilio updated at or after this time."},
    )
    received_after = DateTimeParameter(
        data_key="receivedAfter",
        metadata={
            "description": "Only jobs whose first callback was received at or after this time."
        },
    )
    has_transcript = fields.Boolean(
        data_key="hasTranscript",
        # Python's HTTP clients send "True". Page tokens contain booleans.
        truthy={"true", "True", True},
        falsy={"false", "False", False},
        error_messages={"invalid": "Must be true or false."},
        metadata={
            "description": "Only jobs with, or without, a stored transcript. One that has expired "
            "isn't stored."
        },
    )


class Query(Schema):
    """The parameters of one route, none if it isn't a subclass. Each may be given once."""

    # Other spellings of parameter names, and names without an effect that a client may send.
    aliases: ClassVar[Mapping[str, str]] = {}
    ignored: ClassVar[frozenset[str]] = frozenset()

    def parameter(self, name: str) -> str:
        """Return the query's name of the parameter with this field name."""
        return self.fields[name].data_key or name

    def read(self, pairs: Sequence[tuple[str, str]]) -> dict[str, Any]:
        """Return the values by field name, or raise ValidationError with all errors."""
        known = [self.parameter(name) for name in self.fields]
        used = [(name, value) for name, value in pairs if name not in self.ignored]
        is_known = {name: self.aliases.get(name, name) in known for name, _ in used}
        errors: dict[str, Any] = describe_unknown(
            (name for name in is_known if not is_known[name]), known
        )
        values, repeated = self._each_once([pair for pair in used if is_known[pair[0]]])
        loaded: dict[str, Any] = {}
        try:
            loaded = self.load(values)
        except ValidationError as error:
            errors = error.messages_dict | errors
        errors |= repeated
        if errors:
            raise ValidationError(errors)

        return loaded

    def _each_once(
        self, pairs: Sequence[tuple[str, str]]
    ) -> tuple[dict[str, str], dict[str, list[str]]]:
        """Return the first value of each parameter, and the errors of those that are repeated.

        The SDK sends pageToken in both spellings; the same value twice is not a repetition.
        """
        counts = Counter(name for name, _ in pairs)
        values: dict[str, str] = {}
        errors = {}
        for spelling, value in pairs:
            name = self.aliases.get(spelling, spelling)
            if counts[spelling] > 1 or values.setdefault(name, value) != value:
                errors[name] = ["Given more than once."]

        return values, errors


class PagedQuery(Query):
    """The parameters of every list."""

    # The spellings of the SDK's `…_with_http_info` lists.
    aliases: ClassVar[Mapping[str, str]] = {"PageSize": "pageSize", "PageToken": "pageToken"}
    # The SDK sends the number of the page, but the token says everything.
    ignored: ClassVar[frozenset[str]] = frozenset({"Page"})

    page_size = PageSize(
        data_key="pageSize",
        # Without a `default`: generated clients would send it, and contradict a page token.
        metadata={
            "minimum": 1,
            "description": f"Rows on one page: {DEFAULT_PAGE_SIZE} without this parameter, and at "
            f"most {MAX_PAGE_SIZE}.",
        },
    )
    page_token = fields.String(
        data_key="pageToken",
        validate=validate.Length(1, 4096),
        metadata={
            "description": "A `nextToken` or `previousToken` of this list. It contains "
            "the filters and the page size: omit these parameters, or repeat the same values."
        },
    )


class TranscriptionsQuery(Filters, PagedQuery):
    """The parameters of the list of jobs."""


class ChangesQuery(Query):
    """The parameters of the feed of changes."""

    cursor = fields.String(
        validate=validate.Length(1, MAX_CURSOR_CHARACTERS),
        metadata={
            "description": "The `nextCursor` of the page before. Without it, the feed begins with "
            "all jobs; with `now`, with what changes from now on."
        },
    )
    wait = WaitSeconds(
        metadata={
            "minimum": 0,
            "description": "If there is no change yet, wait for one: at most this many seconds, "
            f"and at most {MAX_WAIT_SECONDS}.",
        },
    )
    page_size = PageSize(
        data_key="pageSize",
        metadata={
            "minimum": 1,
            "description": f"Changes on one page: {DEFAULT_PAGE_SIZE} without this parameter, and "
            f"at most {MAX_PAGE_SIZE}.",
        },
    )


class TranscriptQuery(Query):
    """The parameters of one transcript."""

    format = fields.String(
        validate=validate.OneOf(list(CONTENT_TYPES)),
        metadata={"description": "Overrides the Accept header."},
    )


class SubmissionQuery(Query):
    """The parameters of a submission."""

    check = fields.Boolean(
        truthy={"true", "True"},
        falsy={"false", "False"},
        error_messages={"invalid": "Must be true or false."},
        metadata={
            "default": False,
            "description": "Check the file of the mediaUrl first. Submit nothing if the "
            "transcription would fail (422, with Twilio's code).",
        },
    )
