"""Forms: what Twilio signs of a body that is one."""

from urllib.parse import parse_qsl

MEDIA_TYPE = "application/x-www-form-urlencoded"
MAX_FIELDS = 1000  # parsed before anyone has proved anything; Twilio's own forms have some dozens


def is_form(content_type: str | None) -> bool:
    """Tell whether a Content-Type, whose parameters don't matter, is a form's."""
    return (content_type or "").partition(";")[0].strip().lower() == MEDIA_TYPE


def signed_fields(body: bytes) -> str:
    """Return what Twilio appends to the URL before it signs: name and value of each field, sorted.

    A field that is repeated counts once. Bytes that are no UTF-8 were never signed, and become
    U+FFFD. Raise ValueError if there are more than MAX_FIELDS.
    """
    text = body.decode("utf-8", "replace")
    fields = parse_qsl(text, keep_blank_values=True, max_num_fields=MAX_FIELDS)

    return "".join(name + value for name, value in sorted(set(fields)))
