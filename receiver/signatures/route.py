"""Checks that a signed URL is the webhook's: the account also signs for its other applications."""

from collections.abc import Collection

from receiver.settings.urls import PREFIX_PATTERN
from receiver.signatures.matching import SignatureError
from receiver.signatures.url import callback_prefix


def require_callback_url(url: str, public_url: str | None, prefixes: Collection[str]) -> None:
    """Raise SignatureError unless the URL is that of the webhook, under no other prefix than these.

    A form needs this too: its URL and fields are signed as one text. So what was signed for another
    route verifies for a longer path if a field is named like the rest of that path.
    """
    prefix = callback_prefix(url, public_url)
    if prefix is not None and (prefix == "" or prefix in prefixes):
        return
    if prefix is None or not PREFIX_PATTERN.fullmatch(prefix):
        raise SignatureError("wrong_path")

    raise SignatureError("unknown_prefix")
