"""The check of many URLs: each URL has its own issues, independent of the others."""

from dataclasses import replace

from receiver.preflight.check_many import check_many
from tests.support.media import audio_files
from tests.support.media.server import OPEN_POLICY, Answer, serving


def test_failed_check_leaves_others_alone() -> None:
    """A URL that breaks the check reports the kind of error only, and the others are checked.

    Here a resolver returns something that is no address.
    """
    policy = replace(
        OPEN_POLICY, lookup=lambda host, _port: [{"hush.example": "hush"}.get(host, "127.0.0.1")]
    )
    with serving({"/": Answer(audio_files.wav(3)), "/1": Answer(audio_files.wav(1))}) as server:
        urls = [server.url(), server.url(host="hush.example"), server.url("/1")]
        results = list(check_many(urls, policy=policy))
    assert results == [
        [],
        ["it could not be checked (ValueError)"],
        ["17554: it lasts 1.0 s, less than 2"],
    ]
