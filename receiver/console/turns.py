"""Renders a transcript's sentences as HTML: who spoke, and each sentence with its time and a link.

Not by a template, which takes several times as long for a call of hours.
"""

from collections.abc import Iterable
from html import escape
from itertools import groupby

from receiver.console.words import clock
from receiver.lookup.cues import Cue
from receiver.runtime.pacing import Pause, no_pause, paced

# Speakers differ in their color too; later ones begin with the first color again.
_COLORS = 4


def render_turns(cues: Iterable[Cue], pause: Pause = no_pause) -> str:
    """Return a section for each turn: what one person said before another one spoke.

    `pause` is called after every few sentences.
    """
    colors: dict[str, int] = {}
    parts = []
    numbered = enumerate(paced(cues, pause), 1)
    for speaker, turn in groupby(numbered, key=lambda item: item[1].speaker):
        color = colors.setdefault(speaker, len(colors) % _COLORS)
        parts.append(f'<section class="turn speaker-{color}"><h2><bdi>{escape(speaker)}</bdi></h2>')
        parts += [_sentence(number, cue) for number, cue in turn]
        parts.append("</section>\n")

    return "".join(parts)


def _sentence(number: int, cue: Cue) -> str:
    link = f'<a class="at" href="#s{number}">{clock(cue.start_ms)}</a>'

    return f'\n<p id="s{number}">{link} <bdi>{escape(cue.text)}</bdi></p>'
