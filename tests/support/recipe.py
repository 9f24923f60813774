"""The examples of docs/reading.md in Python: Twilio's SDK, and a generated client."""

import re
from typing import Any

from tests.support.paths import ROOT

_PAGE = ROOT / "docs" / "reading.md"
_BLOCKS = re.findall(r"```python\n(.*?)```", _PAGE.read_text(), re.DOTALL)

[RECIPE] = [block for block in _BLOCKS if "ReceiverHttpClient" in block]
[GENERATED_CLIENT] = [block for block in _BLOCKS if "transcription_receiver_client" in block]


def _definitions() -> dict[str, Any]:
    """Return the names that the example defines before it creates a client."""
    definitions, separator, _ = RECIPE.partition("\nhttp_client = ")
    assert separator
    names: dict[str, Any] = {}
    exec(definitions, names)

    return names


ReceiverHttpClient: Any = _definitions()["ReceiverHttpClient"]
