"""The files of requests that wrk sends: real, signed callbacks, all different."""

import base64
import json
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from bench.load import callbacks
from bench.load.requests import API_KEY, Body, write_callbacks, write_gets
from receiver.settings.keys import parse_auth_tokens
from receiver.signatures.signature import SignedRequest, verify
from schemas.callback import decode, load_head


def _read_requests(path: Path) -> Iterator[tuple[str, dict[str, str], bytes]]:
    """Yield the request line, headers and body of each request, as replay.lua separates them."""
    with path.open("rb") as file:
        while length := file.read(8):
            head, _, body = file.read(int(length)).partition(b"\r\n\r\n")
            line, *headers = head.decode().split("\r\n")
            yield line, dict(header.split(": ", 1) for header in headers), body


@pytest.mark.parametrize("body", [callbacks.callback, callbacks.incompressible])
def test_callbacks_verify_and_validate(tmp_path: Path, body: Body) -> None:
    """The receiver verifies, decodes and validates the body of each request in a file."""
    load = write_callbacks(tmp_path / "load", 20, 8000, body=body)

    requests = list(_read_requests(load.path))
    assert len(requests) == load.requests == 20
    for line, headers, sent in requests:
        method, target, _ = line.split(" ")
        assert (method, headers["Content-Length"]) == ("POST", str(len(sent)))
        signed = SignedRequest(
            url=callbacks.PUBLIC_URL + target,
            signature=headers["X-Twilio-Signature"],
            settings=None,
            content_type=headers["Content-Type"],
        )
        verified = verify(signed, parse_auth_tokens(callbacks.TOKEN), sent)
        assert verified.digest == sha256(sent).digest()
        assert load_head(decode(sent)).columns["account_id"] == callbacks.ACCOUNT
    assert load.bytes == sum(len(sent) for *_, sent in requests)


def test_every_callback_is_different(tmp_path: Path) -> None:
    """Every callback belongs to another job, also in another portion."""
    loads = [write_callbacks(tmp_path / str(first), 20, 1000, first=first) for first in (0, 20)]

    bodies = [body for load in loads for *_, body in _read_requests(load.path)]
    assert len({json.loads(body)["id"] for body in bodies}) == len(set(bodies)) == 40


@pytest.mark.parametrize("size", [1000, 8000, 64_000, 1_000_000])
def test_callbacks_have_the_requested_size(tmp_path: Path, size: int) -> None:
    """A callback has the requested size within a tenth, and never more than Twilio sends."""
    load = write_callbacks(tmp_path / "load", 2, size)

    assert 0.9 * size <= load.bytes / load.requests <= min(1.1 * size, 1_000_000)


def test_files_are_reproducible(tmp_path: Path) -> None:
    """Two runs write the same bytes."""
    first, again = (write_callbacks(tmp_path / name, 5, 8000) for name in ("first", "again"))

    assert first.path.read_bytes() == again.path.read_bytes()


def test_get_requests_have_the_api_key(tmp_path: Path) -> None:
    """A GET request contains the API key and the additional headers."""
    load = write_gets(
        tmp_path / "load", ["/v3/Transcriptions", "/v3/More"], ['If-None-Match: "tag"']
    )

    (line, headers, body), (more, *_) = _read_requests(load.path)
    assert (line, more) == ("GET /v3/Transcriptions HTTP/1.1", "GET /v3/More HTTP/1.1")
    assert (
        base64.b64decode(headers["Authorization"].removeprefix("Basic "))
        == ":".join(API_KEY).encode()
    )
    assert headers["If-None-Match"] == '"tag"'
    assert body == b""
