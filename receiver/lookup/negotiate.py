"""Content negotiation: which format of the transcript a request asks for."""

from werkzeug.datastructures import MIMEAccept
from werkzeug.http import parse_accept_header

from receiver.lookup.formats import FORMATS

_NAMES = {form.content_type.partition(";")[0]: name for name, form in FORMATS.items()}


class NotAcceptableError(ValueError):
    """The Accept header leaves no format to answer with (an HTTP 406)."""


def choose(accept: str | None, requested: str | None) -> str:
    """Return the name, in FORMATS, of the format to answer with.

    `accept` is the Accept header, `requested` the query's `format`, which is one and goes first.
    Neither, or an indifferent header, means JSON. Quality and precedence are those of RFC 9110,
    section 12.5.1.

    Raises NotAcceptableError, whose text is for the client.
    """
    if requested is not None:
        return requested
    accepted = _parsed(accept or "")
    if not accepted:
        return next(iter(FORMATS))
    best = accepted.best_match(_NAMES)
    if best is None:
        raise NotAcceptableError(
            f"The Accept header allows none of {', '.join(_NAMES)}: "
            f"ask for one of them, or say ?format={'|'.join(FORMATS)}."
        )

    return _NAMES[best]


def _parsed(accept: str) -> MIMEAccept:
    """Return the header's media ranges without their parameters, of which no format has a choice.

    Java's HttpURLConnection has long sent `*/*; q=.2`, which Werkzeug drops: a digit is missing.
    """
    ranges = parse_accept_header(accept.replace("q=.", "q=0."), MIMEAccept)

    return MIMEAccept([(media_range.partition(";")[0], quality) for media_range, quality in ranges])
