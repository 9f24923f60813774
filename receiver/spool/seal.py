"""Seals spooled files, so that the service records only what it wrote, or what Twilio signed."""

import hmac
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from receiver.store.event import Event

CODE_BYTES = 32


@dataclass(frozen=True, slots=True)
class Seal:
    """Makes and checks the authentication codes of a file, one for each key.

    One matching code is enough: so a file stays valid while any of the keys stays in the settings.
    `is_signed` says whether Twilio's own signature of an event verifies now. Such an event is as
    good as a delivered one, even if another user wrote the file.
    """

    keys: Sequence[bytes]
    is_signed: Callable[[Event], bool]

    def codes(self, content: bytes) -> list[bytes]:
        """Return the code of each key."""
        return [hmac.digest(key, content, "sha256") for key in self.keys]

    def proves(self, event: Event, content: bytes, codes: Sequence[bytes]) -> bool:
        """Return whether the service wrote this content, or Twilio signed the event."""
        own = self.codes(content)

        return any(
            hmac.compare_digest(code, own_code) for code in codes for own_code in own
        ) or self.is_signed(event)
