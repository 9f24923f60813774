"""Gives other terminals the settings of the running service: `eval "$(make -s env)"`."""

import os
import shlex
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from receiver.settings.config import variables

FILE = Path(".local/environment")
# What the web process alone needs, or every shell has.
_NOT_FOR_COMMANDS = {"PATH", "HOME", "PORT", "LOG_LEVEL", "BIND"}


@contextmanager
def share_settings(env: Mapping[str, str]) -> Iterator[None]:
    """Write the settings to FILE as lines for a shell, and remove the file when the block ends."""
    FILE.parent.mkdir(exist_ok=True)
    FILE.unlink(missing_ok=True)
    FILE.touch(mode=0o600, exist_ok=False)
    FILE.write_text(_shell_lines(env))
    try:
        yield
    finally:
        FILE.unlink(missing_ok=True)


def _shell_lines(env: Mapping[str, str]) -> str:
    """Return lines that set each setting, and unset each other one that the shell may export."""
    programs = env["PATH"].partition(os.pathsep)[0]
    settings = {name: env[name] for name in env if name not in _NOT_FOR_COMMANDS}
    unset = sorted(variables() - settings.keys())
    exports = [f"export {name}={shlex.quote(value)}" for name, value in settings.items()]
    path = f'PATH={shlex.quote(programs)}:"$PATH"'

    return "\n".join([f"unset {' '.join(unset)}", *exports, path, ""])
