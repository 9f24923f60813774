"""Twilio's Node SDK as a client: the examples of docs/reading.md, and the scripts that use them."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.support.paths import ROOT

SCRIPTS = ROOT / "tests" / "clients" / "node"
_MODULES = SCRIPTS / "node_modules"
_TIMEOUT_SECONDS = 60

_PAGE = (ROOT / "docs" / "reading.md").read_text()
# The client, the functions, and the loops that use both.
CLIENT, FUNCTIONS, LOOPS = re.findall(r"```js\n(.*?)```", _PAGE, re.DOTALL)

needs_node_sdk = pytest.mark.skipif(
    # npm writes this file when it has installed everything.
    shutil.which("node") is None or not (_MODULES / ".package-lock.json").is_file(),
    reason="Twilio's Node SDK is missing: install Node and npm, then run `npm ci --prefix "
    "tests/clients/node`",
)


def write_library(folder: Path) -> Path:
    """Write what the examples define, before they create a client, as a module."""
    definitions, separator, _ = CLIENT.partition("\nconst httpClient = ")
    assert separator
    exported = "module.exports = { twilio, ReceiverHttpClient, listJobs, fetchTranscript };\n"
    library = folder / "receiver.js"
    library.write_text(f"{definitions}\n{FUNCTIONS}\n{exported}")

    return library


def run_node(script: Path, *arguments: Any) -> str:
    """Return what the script prints; the arguments are passed as JSON."""
    done = subprocess.run(
        ["node", script, *map(json.dumps, arguments)],
        check=False,
        capture_output=True,
        env={"PATH": os.environ["PATH"], "NODE_PATH": str(_MODULES)},
        timeout=_TIMEOUT_SECONDS,
    )
    assert done.returncode == 0, done.stderr.decode()

    return done.stdout.decode()
