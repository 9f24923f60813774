"""Parsers of single settings: each returns the value, or raises ValidationError.

The error text continues a sentence that begins with the variable's name, and never quotes the text.
"""

import re
from pathlib import Path

from marshmallow import ValidationError

from receiver.settings.items import parse_items
from receiver.settings.urls import (
    CALLBACK_PATH,
    PREFIX_PATTERN,
    is_host,
    is_loopback,
    parse_url,
    parse_web_url,
    web_origin,
)

# The kernel takes 107 bytes; printable ones without a blank.
_SOCKET_PATH = re.compile(r"unix:(?=.{1,100}\Z)(/[!-.0-~]+)+")
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")


def parse_public_url(text: str) -> str:
    """Return the URL that Twilio calls, up to the callback's path, without a final slash."""
    url = parse_web_url(text)
    if not url:
        raise ValidationError(
            "is not a URL that Twilio can call; write https://app.example.com, with a path prefix "
            "if the proxy has one, but without query and fragment"
        )
    if url.path.rstrip("/").endswith(CALLBACK_PATH):
        raise ValidationError(f"ends in the callback's path; remove {CALLBACK_PATH}")

    return text.rstrip("/")


def parse_url_prefixes(text: str) -> tuple[str, ...]:
    """Return comma-separated path prefixes, such as `/voice`, in their order."""
    return parse_items(text, _parse_prefix)


def parse_cors_origins(text: str) -> tuple[str, ...]:
    """Return comma-separated origins of web pages, in the form of a browser's Origin header.

    Others on the network can change a page that is sent with http, so http is for this machine.
    """
    return parse_items(text, _parse_origin)


def parse_base_url(text: str) -> str:
    """Return the origin to call instead of Twilio's hosts, without a final slash.

    It is called with the credentials, so http is for this machine only.
    """
    url = parse_web_url(text)
    # The Twilio client would not use a path or `user:password@`.
    if not (url and is_host(url.netloc) and url.path in {"", "/"}):
        raise ValidationError(
            "is not an origin (scheme, host and port only); write http://127.0.0.1:9000 to call "
            "the simulator, or unset it to call Twilio"
        )

    if url.scheme == "http" and not is_loopback(url.hostname or ""):
        raise ValidationError(
            "is http to another machine, which would send the credentials for Twilio unencrypted; "
            "write https, or unset it to call Twilio"
        )

    return text.rstrip("/")


def parse_bind(text: str) -> str:
    """Return the address to listen on, as gunicorn takes it: host and port, or a Unix socket."""
    if text.startswith("unix:"):
        if not _SOCKET_PATH.fullmatch(text):
            raise ValidationError(
                "is not a Unix socket with an absolute path of at most 100 characters; write for "
                "example unix:/run/receiver/web.sock"
            )
        return text
    url = parse_url(f"http://{text}")
    if not (is_host(text) and url and url.port):
        raise ValidationError(
            "is not an address to listen on; write host:port, such as 127.0.0.1:8000 or [::]:8000, "
            "or unix:/run/receiver/web.sock"
        )

    return text


def parse_sentry_dsn(text: str) -> str:
    """Return the DSN of a project at Sentry: the URL that its errors are sent to."""
    url = parse_url(text)
    if not (
        url
        and url.scheme == "https"
        and url.username
        and url.hostname
        and url.path.rpartition("/")[2].isdigit()
    ):
        raise ValidationError(
            "is not a DSN; copy it from the project's settings at Sentry, in the form "
            "https://key@host/project, or unset it"
        )

    return text


def parse_log_level(text: str) -> str:
    """Return the log level in upper case."""
    if text.upper() not in LOG_LEVELS:
        raise ValidationError(f"is not a log level; write one of {', '.join(LOG_LEVELS)}")

    return text.upper()


def parse_spool_dir(text: str) -> Path:
    """Return the absolute path of a folder, which may not exist yet."""
    path = Path(text)
    if not path.is_absolute():
        raise ValidationError("is not an absolute path; write /var/lib/receiver/spool, or unset it")

    return path


def _parse_prefix(_position: int, prefix: str) -> str:
    if prefix.endswith(CALLBACK_PATH):
        raise ValidationError(f"ends in the callback's path; remove {CALLBACK_PATH}")
    if not PREFIX_PATTERN.fullmatch(prefix):
        raise ValidationError(
            "is not a path prefix; write for example /voice or /a/b: a slash before each segment, "
            "no slash at the end, and in each segment 1 to 32 letters, digits or . _ ~ -"
        )

    return prefix


def _parse_origin(_position: int, text: str) -> str:
    origin = web_origin(text)
    if not origin:
        raise ValidationError(
            "is not the origin of web pages; write https://app.example.com, without a path. "
            "http is for localhost only, and * and null are not possible"
        )

    return origin
