"""Tests of the choice of a format by Accept and `?format=`."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from receiver.lookup.formats import FORMATS
from receiver.lookup.negotiate import MAX_ACCEPT_BYTES, NotAcceptableError, choose_format

_TYPES = {
    "json": "application/json",
    "text": "text/plain",
    "vtt": "text/vtt",
    "srt": "application/x-subrip",
}


@pytest.mark.parametrize(
    "accept", [None, "", " ", ",", "*/*", "*", "*/*;q=0.1", "application/*", "text/vtt;q=2"]
)
def test_default_is_json(accept: str | None) -> None:
    """A client without a preference, or with a malformed one, gets JSON."""
    assert choose_format(accept, None) == "json"


@pytest.mark.parametrize(
    ("accept", "name"),
    [
        ("application/json", "json"),
        ("text/plain", "text"),
        ("text/vtt", "vtt"),
        ("application/x-subrip", "srt"),
        ("text/srt", "srt"),
        ("Text/SRT;charset=utf-8, application/json;q=0.5", "srt"),
        ("*;q=0.1, text/vtt", "vtt"),
        ("*, application/json;q=0", "text"),
        ("TEXT/VTT", "vtt"),
        ("text/*", "text"),
        ("text/vtt, text/plain;q=0.9", "vtt"),
        ("text/plain;q=0.5, text/vtt;q=0.9, */*;q=0.1", "vtt"),
        ("*/*, text/vtt;q=0.5", "json"),
        ("*/*;q=0.5, text/vtt;q=0.5", "vtt"),
        ("application/json;q=0, */*", "text"),
        ("text/*;q=0, text/vtt", "vtt"),
        ("text/html, application/xhtml+xml, */*;q=0.8", "json"),
        ("text/plain; charset=utf-8", "text"),
        ("application/json;charset=UTF-8", "json"),
        ("text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2", "json"),
    ],
)
def test_accept_chooses_the_format(accept: str, name: str) -> None:
    """The quality decides, then the narrower range, then our order."""
    assert choose_format(accept, None) == name


@pytest.mark.parametrize(
    "accept",
    [
        "application/xml",
        "text/html, image/*",
        "application/json;q=0",
        "*/*;q=0",
        "*;q=0",
        "json",
        "*/json",
        ";;;",
    ],
)
def test_unsatisfiable_accept_is_an_error(accept: str) -> None:
    """An Accept header that allows no format raises an error that lists the formats."""
    with pytest.raises(NotAcceptableError, match=r"application/x-subrip.*\?format=json"):
        choose_format(accept, None)


@pytest.mark.parametrize("accept", [None, "text/plain", "application/xml", "*/*;q=0"])
@pytest.mark.parametrize("name", FORMATS)
def test_format_overrides_accept(accept: str | None, name: str) -> None:
    """`?format=` overrides any Accept header."""
    assert choose_format(accept, name) == name


def _quality(ranges: dict[str, int], media_type: str) -> int:
    """Return the quality in thousandths: that of the narrowest range (RFC 9110, 12.5.1)."""
    family = media_type.partition("/")[0]

    return next((ranges[name] for name in (media_type, f"{family}/*", "*/*") if name in ranges), 0)


@settings(deadline=None)
@given(
    st.dictionaries(
        st.sampled_from([*_TYPES.values(), "text/*", "application/*", "*/*", "text/html"]),
        st.integers(0, 1_000),
        min_size=1,
    )
)
def test_choice_has_the_highest_quality(ranges: dict[str, int]) -> None:
    """The chosen format has the highest quality, and never quality 0."""
    accept = ", ".join(
        f"{media_range};q={quality / 1_000:.3f}" for media_range, quality in ranges.items()
    )
    best = max(_quality(ranges, media_type) for media_type in _TYPES.values())

    if best == 0:
        with pytest.raises(NotAcceptableError):
            choose_format(accept, None)
    else:
        assert _quality(ranges, _TYPES[choose_format(accept, None)]) == best


@settings(deadline=None)
@given(st.text(st.characters(max_codepoint=255)) | st.text("textvplain/*;=q.01, \"'\\"))
def test_any_header_chooses_or_raises(accept: str) -> None:
    """Any header chooses a format or raises NotAcceptableError."""
    try:
        chosen = choose_format(accept, None)
    except NotAcceptableError:
        return

    assert chosen in FORMATS


def test_long_accept_header_is_not_parsed() -> None:
    """A header beyond the largest size is not acceptable; `format` works nevertheless."""
    accept = "text/vtt".ljust(MAX_ACCEPT_BYTES)
    assert choose_format(accept, None) == "vtt"
    with pytest.raises(NotAcceptableError, match="longer than"):
        choose_format(f"{accept} ", None)
    assert choose_format(f"{accept} ", "srt") == "srt"
