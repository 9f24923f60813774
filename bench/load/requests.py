"""Writes files of raw HTTP requests for replay.lua, each preceded by its length in eight digits."""

import base64
import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.load import callbacks

API_KEY = ("reader", "reader-secret")

Body = Callable[..., bytes]


@dataclass(frozen=True, kw_only=True)
class Load:
    """A file of requests."""

    path: Path
    requests: int  # their number
    bytes: int = 0  # of all bodies


def write_callbacks(
    path: Path, count: int, size: int, *, body: Body = callbacks.callback, first: int = 0
) -> Load:
    """Write the callbacks of `count` jobs, from number `first` on, of about `size` bytes each.

    The same arguments give the same file.
    """
    chance = random.Random(f"{first} {size}")  # noqa: S311 - repeatable, not secret
    total = 0
    with path.open("wb") as file:
        for number in range(first, first + count):
            text = body(number, size, chance=chance)
            total += len(text)
            _write(file.write, callbacks.request(text))

    return Load(path=path, requests=count, bytes=total)


def write_gets(path: Path, targets: Sequence[str], headers: Iterable[str] = ()) -> Load:
    """Write a GET request with the API key for each target, with these additional header lines."""
    key = base64.b64encode(":".join(API_KEY).encode()).decode()
    with path.open("wb") as file:
        for target in targets:
            lines = [f"GET {target} HTTP/1.1", f"Host: {callbacks.HOST}"]
            lines += [f"Authorization: Basic {key}", *headers, "", ""]
            _write(file.write, "\r\n".join(lines).encode())

    return Load(path=path, requests=len(targets))


def _write(write: Callable[[bytes], object], request: bytes) -> None:
    write(b"%08d" % len(request))
    write(request)
