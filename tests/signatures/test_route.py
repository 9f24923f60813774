"""Tests of the URLs that are the webhook's own."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver.signatures.matching import SignatureError
from receiver.signatures.route import require_callback_url
from receiver.signatures.url import join_url

ROUTE = "/callbacks/transcription"
# Parts that servers and proxies treat as equal or remove, in any order.
PARTS = ("/", "//", "/.", "/..", "%2F", "%2f", "%74", ";x", "#x", "\\", "?", "@", "x", "a", "b")
PATHS = st.lists(st.sampled_from([*PARTS, "/a", "/b", ROUTE, "/callbacks", "/transcription"]))


def _is_accepted(url: str, public_url: str | None, prefixes: tuple[str, ...]) -> bool:
    try:
        require_callback_url(url, public_url, prefixes)
    except SignatureError:
        return False

    return True


@pytest.mark.parametrize("public_url", ["https://h", "https://u:p@h:1/a", None])
@given(parts=PATHS, query=st.sampled_from(["", "?", "?a=/callbacks/transcription", f"?{ROUTE}/"]))
def test_only_named_urls_are_accepted(public_url: str | None, parts: list[str], query: str) -> None:
    """A URL is accepted only if it is written exactly as the settings name it, whatever follows."""
    base = public_url or "https://any.example:1"
    path = "".join(parts)
    if public_url is None and not path.startswith("/"):
        path = f"/{path}"  # without PUBLIC_URL, the URL is made of an origin and a rooted target
    named = {f"{prefix}{ROUTE}{end}" for prefix in ("", "/b", "/a/b") for end in ("", "/")}
    expected = path.partition("?")[0] in named
    assert _is_accepted(f"{base}{path}{query}", public_url, ("/b", "/a/b")) is expected


@given(st.text(), st.sampled_from(["https://h", "https://h/a"]))
def test_url_of_another_origin_is_rejected(rest: str, public_url: str) -> None:
    """A URL that doesn't begin with PUBLIC_URL and a slash is rejected."""
    url = f"https://h{rest}{ROUTE}"
    is_named = url in {f"{public_url}{ROUTE}", f"{public_url}/b{ROUTE}"}
    assert _is_accepted(url, public_url, ("/b",)) is is_named


@pytest.mark.parametrize(
    ("base", "target", "url"),
    [
        ("https://h/a", f"{ROUTE}?x", f"https://h/a{ROUTE}?x"),
        ("https://h/a", f"/a{ROUTE}?x", f"https://h/a{ROUTE}?x"),
        ("https://h/a", f"/a/b{ROUTE}", f"https://h/a/b{ROUTE}"),
        ("https://h/a", f"/ab{ROUTE}", f"https://h/a/ab{ROUTE}"),
        ("https://h/a", f"/a/a{ROUTE}", f"https://h/a/a{ROUTE}"),
        ("https://h/a", f"/a?{ROUTE}", f"https://h/a/a?{ROUTE}"),
        ("https://h/callbacks", ROUTE, f"https://h/callbacks{ROUTE}"),
        ("https://h/callbacks", f"/callbacks{ROUTE}", f"https://h/callbacks{ROUTE}"),
        ("https://h", f"/a{ROUTE}", f"https://h/a{ROUTE}"),
    ],
)
def test_path_of_the_base_is_added_once(base: str, target: str, url: str) -> None:
    """The path of PUBLIC_URL is in the URL once, whether the proxy strips it or passes it on."""
    assert join_url(base, target) == url
