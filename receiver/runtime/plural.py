"""Numbers with their nouns, in the texts for people."""


def pluralize(number: int, one: str, many: str | None = None) -> str:
    """Return the number with its noun: `1 job`, `2 jobs`, `12,345 jobs`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"
