"""Checks that Transcription Configurations call this service and store transcripts at Twilio.

No URL that Twilio returns is requested, only this service's own.
"""

from collections.abc import Collection, Iterator, Mapping
from http import HTTPStatus
from typing import Any

from receiver.doctor.finding import Finding, Verdict
from receiver.doctor.probe import ProbeError, call
from receiver.doctor.probe_errors import explain
from receiver.settings.urls import CALLBACK_PATH, without_credentials
from receiver.signatures.url import callback_prefix

Configuration = Mapping[str, Any]


def check_configurations(
    configurations: Mapping[str, Configuration | None],
    public_url: str | None,
    *,
    prefixes: Collection[str] = (),
) -> Iterator[Finding]:
    """Check each configuration by its id, and then whether this service's address redirects.

    `prefixes` are the path prefixes below which callbacks are accepted too.
    """
    readable = {name: content for name, content in configurations.items() if content is not None}
    if not readable:
        yield Finding(
            Verdict.OK,
            "configurations: none to check, because no job names one that exists at Twilio",
        )
        return
    urls = {name: _callback(content).get("url") for name, content in readable.items()}
    own = {name for name, url in urls.items() if _is_ours(url, public_url, prefixes)}
    # Without PUBLIC_URL, any URL may be ours.
    has_ours = bool(own) or (public_url is None and any(urls.values()))
    for name, content in readable.items():
        url = urls[name]
        if isinstance(url, str):
            yield _check_url(name, url, public_url, is_ours=name in own, has_ours=has_ours)
        else:
            yield _report_no_url(name, content, has_ours=has_ours)
        yield from _check_method(name, content)
        yield from _check_conversation(name, content)
    if own and public_url:
        yield _check_redirect(public_url)


def _report_no_url(name: str, content: Configuration, *, has_ours: bool) -> Finding:
    """Report that there is no callback URL: a failure if the transcripts reach nobody."""
    is_lost = not has_ours and not content.get("conversationConfigurationId")

    return Finding(
        Verdict.FAIL if is_lost else Verdict.WARN,
        f"configuration {name}: it has no callback URL",
        f"Set transcriptionStatusCallback of {name} at Twilio to this service's callback URL.",
    )


def _check_url(
    name: str, url: str, public_url: str | None, *, is_ours: bool, has_ours: bool
) -> Finding:
    """Check the callback URL; another URL is only a warning if a configuration has ours."""
    prefix = f"configuration {name}:"
    if public_url is None:
        return Finding(
            Verdict.OK,
            f"{prefix} it calls {_printable(url)}; not compared, because PUBLIC_URL is not set",
        )
    if is_ours:
        return Finding(Verdict.OK, f"{prefix} it calls {_printable(url)}")
    own = _printable(f"{public_url}{CALLBACK_PATH}")
    differs_in_password = _printable(url) == own
    difference = " with another user and password" if differs_in_password else f", not {own}"
    value = f"{own}{', with user and password as in PUBLIC_URL' if differs_in_password else ''}"

    return Finding(
        Verdict.WARN if has_ours else Verdict.FAIL,
        f"{prefix} it calls {_printable(url)}{difference}",
        f"Set the callback URL of {name} at Twilio to exactly {value}: the signature covers every "
        "byte of it. If the callbacks are for another service, change nothing.",
    )


def _check_method(name: str, content: Configuration) -> Iterator[Finding]:
    method = _callback(content).get("method") or "POST"
    if method != "POST":
        yield Finding(
            Verdict.FAIL,
            f"configuration {name}: its callback method is {str(method)[:10]!a}",
            f"Set the callback method of {name} at Twilio to POST.",
        )


def _check_conversation(name: str, content: Configuration) -> Iterator[Finding]:
    if not content.get("conversationConfigurationId"):
        yield Finding(
            Verdict.WARN,
            f"configuration {name}: it stores no conversation, so a lost callback is a lost "
            "transcript",
            f"Set conversationConfigurationId of {name} at Twilio. Then `reconcile` can read the "
            "transcript of a lost callback from the conversation.",
        )


def _check_redirect(public_url: str) -> Finding:
    """Call this service at its public address without credentials, and expect its own response."""
    url = _printable(f"{public_url}{CALLBACK_PATH}")
    try:
        answer = call("GET", f"{public_url}{CALLBACK_PATH}")
        # The route accepts only POST, and this service says so in a problem document.
        if answer.status != HTTPStatus.METHOD_NOT_ALLOWED or answer.problem is None:
            raise explain(answer, credential_remedy="Let requests from Twilio through.")
    except ProbeError as error:
        return Finding(Verdict.FAIL, f"callback URL: {url}: {error}", error.remedy)

    return Finding(Verdict.OK, f"callback URL: {url} is this service, without a redirect")


def _callback(content: Configuration) -> Mapping[str, Any]:
    callback = content.get("transcriptionStatusCallback")

    return callback if isinstance(callback, Mapping) else {}


def _is_ours(url: Any, public_url: str | None, prefixes: Collection[str]) -> bool:
    """Compare byte by byte, as the signature does; the customer may have added a query."""
    if not isinstance(url, str) or public_url is None:
        return False

    return callback_prefix(url, public_url) in {"", *prefixes}


def _printable(url: str) -> str:
    """Return the URL for a terminal, without its credentials and its query."""
    return without_credentials(url).partition("?")[0][:300].encode("unicode_escape").decode()
