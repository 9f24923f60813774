"""The header field with a key."""

import base64


def basic(name: str, secret: str) -> str:
    """Return the field of a request with this key."""
    return f"Authorization: Basic {base64.b64encode(f'{name}:{secret}'.encode()).decode()}"
