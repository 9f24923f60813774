"""What is wrong with a database: the result of the store's checks."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """What is wrong, as half a sentence, and what to do, as whole sentences."""

    text: str
    remedy: str

    @property
    def sentence(self) -> str:
        """What is wrong, as a sentence."""
        return f"{self.text[0].upper()}{self.text[1:]}."

    def __str__(self) -> str:
        return f"{self.sentence} {self.remedy}"
