"""The three settings of `make run` that `.env` may contain."""

from pathlib import Path

import pytest

from dev.dotenv import setting


@pytest.mark.parametrize(
    "line",
    ["PORT=8001", "export PORT=8001", 'PORT = "8001"  ', "PORT='8001'", "PORT=1\nPORT=8001\n"],
)
def test_setting_is_read_from_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str
) -> None:
    """A value may be quoted, and the last line counts."""
    monkeypatch.delenv("PORT", raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text(f"# PORT=1\nMY_PORT=2\n{line}\nLOG_LEVEL=INFO\n")
    assert setting("PORT") == "8001"


def test_environment_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An exported variable overrides the file."""
    monkeypatch.setenv("PORT", "8002")
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text("PORT=8001\n")
    assert setting("PORT") == "8002"


def test_without_file_and_variable_setting_is_empty(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a file, and with an empty variable as make passes it, the setting is empty."""
    monkeypatch.setenv("PORT", "")
    monkeypatch.chdir(tmp_path)
    assert setting("PORT") == ""
