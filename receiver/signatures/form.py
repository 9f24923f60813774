"""Forms: which text of a form Twilio signs."""

from urllib.parse import parse_qsl

MEDIA_TYPE = "application/x-www-form-urlencoded"
# A form is parsed before anything is proved. Twilio's own forms have some dozens of fields.
MAX_FIELDS = 1000


def is_form(content_type: str | None) -> bool:
    """Return whether a Content-Type, without its parameters, is that of a form."""
    return (content_type or "").partition(";")[0].strip().lower() == MEDIA_TYPE


def signed_fields(body: bytes) -> str:
    """Return the text that Twilio appends to the URL: each field's name and value, sorted.

    A repeated field counts once. Bytes that aren't UTF-8 were never signed; they become U+FFFD.
    Raises ValueError for more than MAX_FIELDS fields.
    """
    text = body.decode("utf-8", "replace")
    fields = parse_qsl(text, keep_blank_values=True, max_num_fields=MAX_FIELDS)

    return "".join(name + value for name, value in sorted(set(fields)))
