"""Spellings of a query: one is signed, and another is sent, with more or fewer escapes.

A proxy or an HTTP client may escape what the URL at Twilio has as it is (`@`, `:`, a space), or the
reverse. Twilio's Node SDK re-encodes the query for this reason.
"""

import re
from collections.abc import Callable
from functools import partial
from urllib.parse import quote, quote_plus, unquote, unquote_plus

# Without escapes, and without characters that anybody escapes, there is one spelling.
_PLAIN = re.compile(r"[A-Za-z0-9_.~&=-]*")

# Escaped in every spelling: otherwise there would be other parameters, or no query.
_DELIMITERS = re.compile(r"[%&#\x00-\x1f\x7f]")
# RFC 3986, 3.4: allowed unescaped in a query, without those that separate parameters.
_QUERY_CHARACTERS = "/?:@!$'()*,;"
_NODE_CHARACTERS = "!*'()"  # what querystring.stringify leaves unescaped


def query_spellings(query: str) -> list[str]:
    """Return other spellings of a query's parameters, which stay in their order.

    Every spelling has the same parameters. So if `query` has the hash of a body, so has each of its
    spellings: a body is accepted only if the signature covers its hash.
    """
    if _PLAIN.fullmatch(query):
        return []
    parameters = [parameter.partition("=") for parameter in query.split("&")]
    try:
        return [
            "&".join(
                spell_name(name) + separator + spell_value(value)
                for name, separator, value in parameters
            )
            for spell_name, spell_value in _SPELLINGS
        ]
    except UnicodeError:  # escapes that aren't UTF-8, or a lone surrogate
        return []


def _decoded(text: str) -> str:
    """Return the text with escapes only where they are necessary; `+` and `%2B` become `+`."""
    return _DELIMITERS.sub(lambda match: f"%{ord(match[0]):02X}", unquote(text, errors="strict"))


def _decoded_name(text: str) -> str:
    return _decoded(text).replace("=", "%3D")


def _encoded(encode: Callable[..., str], safe: str, text: str) -> str:
    """Return the text with all characters escaped that `encode` doesn't leave, or `safe` has."""
    return encode(unquote_plus(text, errors="strict"), safe=safe)


# How to spell a name, and a value. A space is `%20` or `+`.
_SPELLINGS: tuple[tuple[Callable[[str], str], Callable[[str], str]], ...] = (
    (_decoded_name, _decoded),
    *(
        (partial(_encoded, encode, safe), partial(_encoded, encode, safe + equals_sign))
        for safe, equals_sign in ((_QUERY_CHARACTERS, "="), (_NODE_CHARACTERS, ""))
        for encode in (quote, quote_plus)
    ),
)
