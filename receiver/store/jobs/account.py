"""The condition that a job is of one account."""

from sqlalchemy import ColumnElement

from receiver.store.tables import transcriptions


def of_account(account_id: str | None) -> list[ColumnElement[bool]]:
    """Return the condition that a job is the account's; no condition if the account is None."""
    return [] if account_id is None else [transcriptions.c.account_id == account_id]
