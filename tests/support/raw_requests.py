"""Raw HTTP requests, for bodies that an HTTP client wouldn't send."""


def raw_head(target: str, headers: dict[str, str], body: bytes, *, length: str | None) -> bytes:
    """Return the head of a POST request; `length` replaces its Content-Length header."""
    lines = [f"POST {target} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    lines += [length or f"Content-Length: {len(body)}", "Connection: close", "", ""]

    return "\r\n".join(lines).encode()
