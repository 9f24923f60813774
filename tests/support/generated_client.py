"""A Python client that openapi-python-client generates from the document of a running service."""

import importlib
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# The generator's own choice, from the document's title.
_PACKAGE = "transcription_receiver_client"


def generate(origin: str, folder: Path) -> None:
    """Generate the client's package in the folder; a warning is an error."""
    config = folder / "config.yaml"
    # The default is to format the package.
    config.write_text("post_hooks: []\n")
    subprocess.run(
        [
            *(sys.executable, "-m", "openapi_python_client", "generate", "--meta", "none"),
            *("--url", f"{origin}/openapi.json", "--output-path", folder / _PACKAGE),
            *("--config", config, "--fail-on-warning"),
        ],
        check=True,
        cwd=folder,
        timeout=60,
    )


@dataclass(frozen=True)
class GeneratedClient:
    """The generated client of one service."""

    origin: str
    secret: str

    def call(self, operation: str, *args: Any, **kwargs: Any) -> Any:
        """Return the response to an operation, such as `transcripts.fetch_transcript_vtt`."""
        module = importlib.import_module(f"{_PACKAGE}.api.{operation}")
        package = importlib.import_module(_PACKAGE)
        client = package.AuthenticatedClient(
            base_url=self.origin, token=self.secret, raise_on_unexpected_status=True
        )
        with client:
            return module.sync_detailed(*args, client=client, **kwargs)

    def model(self, name: str) -> Any:
        """Return a class of the generated models."""
        return getattr(importlib.import_module(f"{_PACKAGE}.models"), name)
