"""The queries of the read API: which parameters there are, and what each may say."""

from collections import Counter
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, ClassVar

from marshmallow import EXCLUDE, Schema, ValidationError, fields, validate

from schemas.parameters import MAX_PAGE_SIZE, PAGE_SIZE, Instant, PageSize, Words
from schemas.storable import Status

# The forms of a transcript, by the names of `?format=`; the first is what a client gets that has
# no preference.
CONTENT_TYPES: Mapping[str, str] = MappingProxyType(
    {
        "json": "application/json",
        "text": "text/plain; charset=utf-8",
        "vtt": "text/vtt; charset=utf-8",
        "srt": "application/x-subrip",
    }
)


class Filters(Schema):
    """What narrows the list of jobs, loaded into the names that the store gives its filters."""

    status = Status(metadata={"description": "Only jobs in this status, in any case."})
    source_id = fields.String(
        data_key="sourceId",
        validate=validate.Regexp(
            r"RE[0-9a-f]{32}\Z",
            error="Must be a Recording SID: RE and 32 hexadecimal digits in lower case.",
        ),
        metadata={"description": "Only jobs of this Recording SID."},
    )
    created_after = Instant(
        data_key="createdAfter",
        metadata={"description": "Only jobs created at or after this time."},
    )
    created_before = Instant(
        data_key="createdBefore",
        metadata={"description": "Only jobs created before this time."},
    )
    language = Words(
        data_key="languageCode",
        metadata={"description": "Only jobs whose resolved language is exactly this, as en-US."},
    )
    conversation_id = Words(
        data_key="conversationId",
        metadata={"description": "Only jobs whose transcript is stored in this conversation."},
    )
    configuration_id = Words(
        data_key="transcriptionConfigurationId",
        metadata={"description": "Only jobs of this Transcription Configuration."},
    )
    has_transcript = fields.Boolean(
        data_key="hasTranscript",
        # Python's spelling too, which its HTTP clients send; the booleans are a page token's.
        truthy={"true", "True", True},
        falsy={"false", "False", False},
        error_messages={"invalid": "Must be true or false."},
        metadata={"description": "Only jobs whose transcript has come, or has not."},
    )


class Query(Schema):
    """Parameters of one route. Each may be given once; unknown ones are ignored."""

    class Meta:
        """Let unknown parameters pass."""

        unknown = EXCLUDE

    # Other spellings of a parameter's name.
    aliases: ClassVar[Mapping[str, str]] = {}

    def parameter(self, name: str) -> str:
        """Return the parameter's name in the query, given its name within."""
        return self.fields[name].data_key or name

    def read(self, pairs: Sequence[tuple[str, str]]) -> dict[str, Any]:
        """Return the values by their names within; raises ValidationError with every fault."""
        values: dict[str, Any] = self.load(self._each_once(pairs))

        return values

    def _each_once(self, pairs: Sequence[tuple[str, str]]) -> dict[str, str]:
        """Make one mapping; the SDK sends pageToken in both spellings, which is not twice."""
        known = {self.parameter(name) for name in self.fields}
        times = Counter(name for name, _ in pairs)
        values: dict[str, str] = {}
        faults = {}
        for spelling, value in pairs:
            name = self.aliases.get(spelling, spelling)
            if name in known and (times[spelling] > 1 or values.setdefault(name, value) != value):
                faults[name] = ["Given more than once."]
        if faults:
            raise ValidationError(faults)

        return values


class PagedQuery(Query):
    """The parameters of every list."""

    # The SDK's `…_with_http_info` lists write them so.
    aliases: ClassVar[Mapping[str, str]] = {"PageSize": "pageSize", "PageToken": "pageToken"}

    page_size = PageSize(
        data_key="pageSize",
        metadata={
            "minimum": 1,
            "default": PAGE_SIZE,
            "description": f"Rows on one page; more than {MAX_PAGE_SIZE} counts as that.",
        },
    )
    page_token = fields.String(
        data_key="pageToken",
        validate=validate.Length(1, 4096),
        metadata={
            "description": "A `nextToken` or `previousToken` of this list. It carries the filters "
            "and the page size: absent ones come from it, others must agree with it."
        },
    )


class TranscriptionsQuery(Filters, PagedQuery):
    """The parameters of the list of jobs."""


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
            "description": "Look at the file of the mediaUrl first; submit nothing if the "
            "transcription would fail (422, with Twilio's code).",
        },
    )
