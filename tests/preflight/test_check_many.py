"""Many looks: each row has its own issues, whatever becomes of another."""

from dataclasses import replace

import pytest

from receiver.preflight import check
from receiver.preflight.check_many import check_many
from tests.support.media import audio_files
from tests.support.media.server import OPEN_POLICY, Answer, serving


def test_what_goes_wrong_with_one_is_its_own_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    """A row that breaks the look is told by the kind of error alone, and the others are looked at.

    Here a resolver says what is no address.
    """
    policy = replace(
        OPEN_POLICY, lookup=lambda host, _port: [{"hush.example": "hush"}.get(host, "127.0.0.1")]
    )
    monkeypatch.setattr(check, "AddressPolicy", lambda: policy)
    with serving({"/": Answer(audio_files.wav(3)), "/1": Answer(audio_files.wav(1))}) as server:
        urls = [server.url(), server.url(host="hush.example"), server.url("/1")]
        told = list(check_many(urls))
    assert told == [
        [],
        ["it could not be checked (ValueError)"],
        ["17554: it lasts 1.0 s, less than 2"],
    ]
