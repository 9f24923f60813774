"""Assigns the columns of a CSV file to the properties of a submission."""

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from receiver.submissions.csv_text import normalize
from schemas.submission import Submission

_PROPERTIES = tuple(each.data_key or name for name, each in Submission().fields.items())
_PROPERTY_OF = {normalize(name): name for name in _PROPERTIES}
REQUIRED_COLUMN = "transcriptionConfigurationId"
_SOURCES = ("sourceId", "mediaUrl")
# At this ratio a name is more likely a typing error than a column of the user's own.
_MIN_SIMILARITY = 0.75


@dataclass(frozen=True)
class Columns:
    """The columns of a file.

    `names` are as in the file, without blanks around them. `properties` has the property of each
    column, None for a column that is not one of Twilio's. `faults` are those of the header.
    """

    names: tuple[str, ...]
    properties: tuple[str | None, ...]
    faults: tuple[str, ...]

    @property
    def unused(self) -> list[str]:
        """The columns that are not sent to Twilio."""
        return [
            name
            for name, property_name in zip(self.names, self.properties, strict=True)
            if name and property_name is None
        ]


def read_columns(header: Sequence[str]) -> Columns:
    """Assign columns, regardless of case, blanks and underscores.

    A column with a similar name is a fault, because it is probably misspelled. Any other column is
    the user's own: it is not sent, and the output repeats it.
    """
    names = tuple(name.strip() for name in header)
    properties = tuple(_PROPERTY_OF.get(normalize(name)) for name in names)

    return Columns(names, properties, tuple(_faults(names, properties)))


def _faults(names: Sequence[str], properties: Sequence[str | None]) -> list[str]:
    faults = []
    for name, property_name in zip(names, properties, strict=True):
        similar = get_close_matches(normalize(name), _PROPERTY_OF, 1, _MIN_SIMILARITY)
        if property_name is None and similar:
            faults.append(f"unknown column {name!r}. Did you mean {_PROPERTY_OF[similar[0]]}?")
    used = [name for name in properties if name]
    faults += [
        f"the column {name} is repeated." for name in dict.fromkeys(used) if used.count(name) > 1
    ]
    listed = ", ".join(map(repr, names)) or "none"
    if REQUIRED_COLUMN not in used:
        faults.append(f"the column {REQUIRED_COLUMN} is missing. The columns are: {listed}.")
    elif not faults and not any(name in used for name in _SOURCES):
        faults.append(f"there is no column sourceId or mediaUrl. The columns are: {listed}.")

    return faults
