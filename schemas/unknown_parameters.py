"""Describes query parameters that a route doesn't have, with the nearest one that it has."""

import difflib
from collections.abc import Iterable, Sequence
from itertools import islice

# A URL can contain thousands of parameters.
_MAX_DESCRIBED_COUNT = 10
_MAX_NAME_CHARACTERS = 64

# How alike two names must be (difflib's ratio), so that one may be meant by the other.
_MIN_LIKENESS = 0.5
# This many characters of a name may stand for the whole name.
_MIN_PART_CHARACTERS = 4


def describe_unknown(names: Iterable[str], known: Sequence[str]) -> dict[str, list[str]]:
    """Return the error of each unknown name, in marshmallow's form; at most ten names."""
    described = (name[:_MAX_NAME_CHARACTERS] for name in islice(names, _MAX_DESCRIBED_COUNT))

    return {name: [_describe(name, known)] for name in described}


def _describe(name: str, known: Sequence[str]) -> str:
    if not known:
        return "This route has no query parameters."
    if nearest := _nearest(name, known):
        return f"There is no such parameter. Is {nearest} meant?"

    return f"There is no such parameter. The parameters are {', '.join(known)}."


def _nearest(name: str, known: Sequence[str]) -> str | None:
    """Return the known name that is most like this one, whatever the case and the separators."""
    by_letters = {_letters(each): each for each in known}
    letters = _letters(name)
    longer = [
        each for each in by_letters if len(letters) >= _MIN_PART_CHARACTERS and letters in each
    ]
    alike = sorted(longer, key=len) or difflib.get_close_matches(
        letters, by_letters, n=1, cutoff=_MIN_LIKENESS
    )

    return by_letters[alike[0]] if alike else None


def _letters(name: str) -> str:
    return "".join(filter(str.isalnum, name)).lower()
