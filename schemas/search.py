"""The search: its query, its page tokens, and its hits."""

from marshmallow import RAISE, Schema, fields, validate

from schemas.listing import Meta
from schemas.outbound import Outbound, Timestamp, Url
from schemas.parameters import TextParameter
from schemas.query import PagedQuery
from schemas.storable import Identifier
from schemas.token import Token
from schemas.transcription import Links

MAX_QUERY_CHARACTERS = 200
# A sentence may be as long as a callback: to render all of its words would hold up callbacks.
MAX_HIGHLIGHTS = 100
ROLES = ("CUSTOMER", "HUMAN_AGENT", "AI_AGENT")


class SearchFilters(Schema):
    """What is searched for."""

    q = TextParameter(
        max_characters=MAX_QUERY_CHARACTERS,
        metadata={
            "description": 'The words, which all have to occur; also `"a phrase"`, `or` between '
            "two words, and `-` before a word that must not occur. Required without a page token."
        },
    )
    speaker = fields.String(
        validate=validate.OneOf(ROLES),
        metadata={"description": "Only what participants of this type said."},
    )


class SearchQuery(SearchFilters, PagedQuery):
    """The parameters of the search."""


class SearchToken(Token):
    """A place in the results of a search."""

    id = Identifier(required=True)
    filters = fields.Nested(SearchFilters(unknown=RAISE), required=True)


class Hit(Outbound):
    """A job whose transcript matches, and the sentence with the most words of the query."""

    transcription_id = fields.String(
        data_key="transcriptionId", required=True, metadata={"description": "The id of the job."}
    )
    url = Url(required=True, description="The job.")
    links = fields.Nested(Links, required=True)
    sentence = fields.String(required=True, metadata={"description": "Its text, in one line."})
    seconds = fields.Float(
        required=True,
        allow_none=True,
        metadata={"description": "When the sentence begins; null if that is unknown."},
    )
    speaker = fields.String(required=True, metadata={"description": "Who said it."})
    highlights = fields.List(
        fields.List(fields.Integer(), metadata={"minItems": 2, "maxItems": 2}),
        required=True,
        metadata={
            "description": "Where the words of the query are in the sentence: the start of each, "
            f"and its end (excluded), counted in Unicode code points. The first {MAX_HIGHLIGHTS}.",
            "maxItems": MAX_HIGHLIGHTS,
        },
    )


class HitList(Outbound):
    """One page of hits, the newest jobs first. It may have fewer hits than requested."""

    hits = fields.List(
        fields.Nested(Hit), required=True, metadata={"description": "The hits on this page."}
    )
    meta = fields.Nested(Meta, required=True)
    indexed_through = Timestamp(
        data_key="indexedThrough",
        required=True,
        allow_none=True,
        metadata={
            "description": "Every transcript that was stored before this time is searched. Null "
            "while the search reads the transcripts for the first time."
        },
    )
