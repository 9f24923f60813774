"""Content negotiation: chooses the format of a transcript for a request."""

from werkzeug.datastructures import MIMEAccept
from werkzeug.http import parse_accept_header

from receiver.lookup.formats import FORMATS
from receiver.runtime.errors import ReceiverError

# Browsers send some 150 bytes. Parsing takes microseconds for each media range, without a switch to
# other requests.
MAX_ACCEPT_BYTES = 1000

_NAMES = {form.content_type.partition(";")[0]: name for name, form in FORMATS.items()}

# Other spellings of media ranges. Java's HttpURLConnection sends a single `*` too. SubRip has no
# registered type, so clients use several.
_SPELLINGS = {"*": "*/*", "text/srt": "application/x-subrip"}


class NotAcceptableError(ReceiverError):
    """The Accept header allows none of the formats (HTTP 406)."""


def choose_format(accept: str | None, requested: str | None) -> str:
    """Return the name, in FORMATS, of the format to respond with.

    `accept` is the Accept header. `requested` is the query's `format`; it is valid and takes
    precedence. Without either, or if the header has no preference, the format is JSON. Quality and
    precedence follow RFC 9110, section 12.5.1.

    Raises NotAcceptableError with a text for the client.
    """
    if requested is not None:
        return requested
    if accept and len(accept) > MAX_ACCEPT_BYTES:
        raise NotAcceptableError(
            f"The Accept header is longer than {MAX_ACCEPT_BYTES} bytes: "
            f"shorten it, or write ?format={'|'.join(FORMATS)}."
        )
    accepted = _parse(accept or "")
    if not accepted:
        return next(iter(FORMATS))
    best = accepted.best_match(_NAMES)
    if best is None:
        raise NotAcceptableError(
            f"The Accept header allows none of {', '.join(_NAMES)}: "
            f"request one of them, or write ?format={'|'.join(FORMATS)}."
        )

    return _NAMES[best]


def _parse(accept: str) -> MIMEAccept:
    """Return the header's media ranges without their parameters, which no format distinguishes.

    For many years, Java's HttpURLConnection has sent `*/*; q=.2`. Werkzeug ignores such a range,
    since a digit is missing.
    """
    ranges = parse_accept_header(accept.replace("q=.", "q=0."), MIMEAccept)

    return MIMEAccept([(_normalize(media_range), quality) for media_range, quality in ranges])


def _normalize(media_range: str) -> str:
    name = media_range.partition(";")[0].lower()

    return _SPELLINGS.get(name, name)
