"""What all tables share: the metadata, and the columns that several have."""

from datetime import datetime
from typing import Any

from sqlalchemy import Column, DateTime, MetaData, text
from sqlalchemy.types import UserDefinedType

metadata = MetaData()


class TransactionId(UserDefinedType[str]):
    """The type `xid8` of Postgres: the 64-bit id of a transaction, which never wraps around."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        """Return the type's name in Postgres."""
        return "xid8"


def timestamp(name: str, *, nullable: bool = True) -> Column[datetime]:
    """Return a column with a time."""
    return Column(name, DateTime(timezone=True), nullable=nullable)


def transaction_id() -> Column[str]:
    """Return the column with the id of the transaction that wrote the row.

    Change feeds can rely on the order of transaction ids, but not on a sequence or a clock.
    """
    return Column(
        "transaction_id",
        TransactionId,
        nullable=False,
        server_default=text("pg_current_xact_id()"),
    )
