"""The choice of a format by Accept and by `?format=`."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from receiver.lookup.formats import FORMATS
from receiver.lookup.negotiate import NotAcceptableError, choose_format

_TYPES = {
    "json": "application/json",
    "text": "text/plain",
    "vtt": "text/vtt",
    "srt": "application/x-subrip",
}


@pytest.mark.parametrize(
    "accept", [None, "", " ", ",", "*/*", "*/*;q=0.1", "application/*", "text/vtt;q=2"]
)
def test_indifference_means_json(accept: str | None) -> None:
    """A client without a preference, or with one that is malformed, gets JSON."""
    assert choose_format(accept, None) == "json"


@pytest.mark.parametrize(
    ("accept", "name"),
    [
        ("application/json", "json"),
        ("text/plain", "text"),
        ("text/vtt", "vtt"),
        ("application/x-subrip", "srt"),
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
def test_accept_chooses(accept: str, name: str) -> None:
    """Quality decides, the narrower range over the wider, our order where nothing else does."""
    assert choose_format(accept, None) == name


@pytest.mark.parametrize(
    "accept",
    [
        "application/xml",
        "text/html, image/*",
        "application/json;q=0",
        "*/*;q=0",
        "json",
        "*/json",
        ";;;",
    ],
)
def test_accept_that_allows_nothing_is_an_error(accept: str) -> None:
    """An Accept header that no format fits is refused, with what there is to ask for."""
    with pytest.raises(NotAcceptableError, match=r"application/x-subrip.*\?format=json"):
        choose_format(accept, None)


@pytest.mark.parametrize("accept", [None, "text/plain", "application/xml", "*/*;q=0"])
@pytest.mark.parametrize("name", FORMATS)
def test_format_goes_before_accept(accept: str | None, name: str) -> None:
    """The query's format decides, whatever the header says."""
    assert choose_format(accept, name) == name


def _quality(ranges: dict[str, int], media_type: str) -> int:
    """Return the thousandths of RFC 9110, section 12.5.1: those of the narrowest range."""
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
    """The choice is never worse to the client than another, and never what it excludes."""
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
def test_any_header_is_a_choice_or_a_refusal(accept: str) -> None:
    """Whatever stands in the header, it chooses a format or is refused as not acceptable."""
    try:
        chosen = choose_format(accept, None)
    except NotAcceptableError:
        return

    assert chosen in FORMATS
