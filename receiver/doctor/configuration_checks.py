"""Judging a configuration: does it call us, and does it keep the transcript too.

Of all URLs that Twilio names none is requested, only our own.
"""

from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any

from receiver.doctor.finding import Finding, Verdict
from receiver.doctor.probe import ProbeError, call, explain
from receiver.settings.urls import CALLBACK_PATH, without_credentials


def of_configurations(
    configurations: Mapping[str, Mapping[str, Any] | None], public_url: str | None
) -> Iterator[Finding]:
    """Judge each of them, and in the end whether our address redirects."""
    known = {name: inner for name, inner in configurations.items() if inner is not None}
    if not known:
        yield Finding(
            Verdict.OK,
            "configurations: Twilio has no job yet that names one, so none could be looked at",
        )
        return
    urls = {name: _callback(inner).get("url") for name, inner in known.items()}
    ours = {name for name, url in urls.items() if _is_ours(url, public_url)}
    for name, inner in known.items():
        yield of_url(urls[name], name, public_url, is_only=not ours)
        yield from _of_rest(name, inner)
    if ours and public_url:
        yield of_redirect(public_url)


def of_url(url: Any, name: str, public_url: str | None, *, is_only: bool) -> Finding:
    """Judge whom a configuration calls; `is_only`: no other calls us either."""
    said = f"configuration {name}:"
    if not isinstance(url, str):
        return Finding(
            Verdict.WARN,
            f"{said} it calls nobody",
            f"Set transcriptionStatusCallback of {name} at Twilio to our callback URL.",
        )
    if public_url is None:
        return Finding(Verdict.OK, f"{said} it calls {_shown(url)}; PUBLIC_URL would be compared")
    if _is_ours(url, public_url):
        return Finding(Verdict.OK, f"{said} it calls {_shown(url)}")
    own = _shown(f"{public_url}{CALLBACK_PATH}")
    hidden = " but for the user and password in it" if _shown(url) == own else ""

    return Finding(
        Verdict.FAIL if is_only else Verdict.WARN,
        f"{said} it calls {_shown(url)}, not {own}{hidden}",
        f"Set the callback URL of {name} at Twilio to exactly {own}{hidden and ', as PUBLIC_URL'}"
        " (the signature speaks of it byte for byte), unless its callbacks are another service's.",
    )


def _of_rest(name: str, inner: Mapping[str, Any]) -> Iterator[Finding]:
    method = _callback(inner).get("method") or "POST"
    if method != "POST":
        yield Finding(
            Verdict.FAIL,
            f"configuration {name}: it calls with {str(method)[:10]!a}",
            f"Set the callback's method of {name} at Twilio to POST.",
        )
    if not inner.get("conversationConfigurationId"):
        yield Finding(
            Verdict.WARN,
            f"configuration {name}: without a conversation, a lost callback is a lost transcript",
            f"Set conversationConfigurationId of {name} at Twilio: then `reconcile` fetches back "
            "what a lost callback would have brought.",
        )


def of_redirect(public_url: str) -> Finding:
    """Call our own address, as nobody in particular: the service itself has to answer."""
    shown = _shown(f"{public_url}{CALLBACK_PATH}")
    try:
        answer = call("GET", f"{public_url}{CALLBACK_PATH}")
        # It is for POST alone, and says so in a problem document.
        if answer.status != HTTPStatus.METHOD_NOT_ALLOWED or answer.problem is None:
            raise explain(answer, refused="Let Twilio through.")
    except ProbeError as error:
        return Finding(Verdict.FAIL, f"callback URL: {shown}: {error}", error.remedy)

    return Finding(Verdict.OK, f"callback URL: {shown} is this service, without a redirect")


def _callback(inner: Mapping[str, Any]) -> Mapping[str, Any]:
    callback = inner.get("transcriptionStatusCallback")

    return callback if isinstance(callback, Mapping) else {}


def _is_ours(url: Any, public_url: str | None) -> bool:
    """Compare byte for byte, as the signature does; a query may be the customer's own."""
    if not isinstance(url, str) or public_url is None:
        return False

    return url.partition("?")[0].removesuffix("/") == f"{public_url}{CALLBACK_PATH}"


def _shown(url: str) -> str:
    """Return the URL for a terminal, without what may be secret in it."""
    return without_credentials(url).partition("?")[0][:300].encode("unicode_escape").decode()
