"""Updates the line numbers in docs/architecture.md: `python -m dev.walks`.

The walks name functions as `path.py:line` `name`, or `Class.name` for a method.
"""

import ast
import re
from pathlib import Path

ARCHITECTURE = Path(__file__).parents[1] / "docs" / "architecture.md"
STEP = re.compile(r"`([\w/]+\.py):(\d+)` `([\w.]+)`")


def renewed(text: str, root: Path) -> str:
    """Return the text with the line at which each named function begins.

    Raises LookupError for a function that doesn't exist.
    """

    def renew(step: re.Match[str]) -> str:
        path, _, name = step.groups()
        return f"`{path}:{_line_of(root / path, name)}` `{name}`"

    return STEP.sub(renew, text)


def _line_of(path: Path, name: str) -> int:
    node: ast.AST = ast.parse(path.read_text())
    for part in name.split("."):
        named = [
            child for child in ast.iter_child_nodes(node) if getattr(child, "name", "") == part
        ]
        if not named:
            raise LookupError(f"{path} has no {name}")
        node = named[0]

    return int(getattr(node, "lineno", 0))


if __name__ == "__main__":
    ARCHITECTURE.write_text(renewed(ARCHITECTURE.read_text(), ARCHITECTURE.parents[1]))
