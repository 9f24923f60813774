"""Reads a participant's address that an operator has typed, as a caller writes it."""

from sqlalchemy import Connection

from receiver.cli.output import CommandError
from receiver.privacy.target import normalize_address
from receiver.runtime.plural import pluralize
from receiver.store.erasure.preview import Similar, preview, similar_addresses
from schemas.storable import is_storable


def parse_address(text: str) -> str:
    """Return the address, of a phone number its E.164 form; raises CommandError."""
    address = normalize_address(text)
    if not address or not is_storable(address):
        raise CommandError("this is not an address.")

    return address


def require_stored(connection: Connection, address: str) -> None:
    """Raise CommandError unless a job has exactly this address, which isn't E.164."""
    if preview(connection, "address", address).jobs:
        return
    raise CommandError(
        "this address is not a phone number in E.164 form (+, country code and number, such as "
        "+14155550100), and no job has exactly this address.",
        *_describe(similar_addresses(connection, address)),
    )


def _describe(similar: Similar | None) -> list[str]:
    if similar is None:
        return []
    if not similar.addresses:
        return ["No stored address ends in these digits."]

    addresses = pluralize(similar.addresses, "stored address", "stored addresses")

    found = f"These digits are the end of {addresses}, of {pluralize(similar.jobs, 'job')}"

    return [f"{found}: write the number with its country code."]
