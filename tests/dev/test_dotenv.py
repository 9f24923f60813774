"""The three settings of `make run` that may stand in `.env`."""

from pathlib import Path

import pytest

from dev.dotenv import setting


@pytest.mark.parametrize(
    "line",
    ["PORT=8001", "export PORT=8001", 'PORT = "8001"  ', "PORT='8001'", "PORT=1\nPORT=8001\n"],
)
def test_the_file_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str) -> None:
    """A value may be quoted, and the last one counts."""
    monkeypatch.delenv("PORT", raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text(f"# PORT=1\nMY_PORT=2\n{line}\nLOG_LEVEL=INFO\n")
    assert setting("PORT") == "8001"


def test_what_is_exported_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`PORT=8002 make run` takes 8002, whatever the file says."""
    monkeypatch.setenv("PORT", "8002")
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text("PORT=8001\n")
    assert setting("PORT") == "8002"


def test_neither(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a file, and with an empty variable as make passes it, there is no value."""
    monkeypatch.setenv("PORT", "")
    monkeypatch.chdir(tmp_path)
    assert setting("PORT") == ""
