"""The recipe of docs/reading.md: Twilio's Python SDK as a client of this service."""

import re
from typing import Any

from tests.support.paths import ROOT

_PAGE = ROOT / "docs" / "reading.md"
_BLOCKS = re.findall(r"```python\n(.*?)```", _PAGE.read_text(), re.DOTALL)

[RECIPE] = [block for block in _BLOCKS if "ReceiverHttpClient" in block]


def _defined() -> dict[str, Any]:
    """Return what the recipe defines before it makes a client."""
    definitions, used, _ = RECIPE.partition("\nhttp_client = ")
    assert used
    names: dict[str, Any] = {}
    exec(definitions, names)

    return names


ReceiverHttpClient: Any = _defined()["ReceiverHttpClient"]
