"""Isolates right-to-left text, so that it is displayed correctly behind a speaker's name.

A program displays a line in the direction of its first letter (Unicode's bidirectional algorithm,
UAX #9). Behind a Latin name, the words of a Hebrew sentence would change places around its numbers
and punctuation. An isolate has the direction of its own first letter.
"""

import re

FIRST_STRONG_ISOLATE = "\u2068"
POP_DIRECTIONAL_ISOLATE = "\u2069"

# The blocks that Unicode reserves for right-to-left scripts (DerivedBidiClass.txt), and the control
# characters that begin right-to-left text.
_RIGHT_TO_LEFT = re.compile(
    "[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff\U00010800-\U00010fff\U0001e800-\U0001efff"
    "\u200f\u202b\u202e\u2067]"
)


def labeled_line(speaker: str, text: str) -> str:
    """Return `speaker: text`; the text is isolated if either of them has right-to-left letters."""
    line = f"{speaker}: {text}"
    if line.isascii() or not _RIGHT_TO_LEFT.search(line):
        return line

    return f"{speaker}: {FIRST_STRONG_ISOLATE}{text}{POP_DIRECTIONAL_ISOLATE}"
