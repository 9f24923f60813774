"""Indexes for lists of one account's jobs, and by address, update and receipt."""

from receiver.store.online_indexes import create_indexes

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Create the indexes while callbacks arrive."""
    addresses = [f"left((participants -> {place}) ->> 'address', 129)" for place in (0, 1)]
    create_indexes(
        {
            "transcriptions_account": "transcriptions (account_id, sort_at, id)",
            **{
                f"transcriptions_address_{number}": (
                    f"transcriptions (({address}), sort_at, id) WHERE {address} IS NOT NULL"
                )
                for number, address in enumerate(addresses, 1)
            },
            "transcriptions_updated": "transcriptions (updated_at)",
            "transcriptions_received": (
                "transcriptions (received_at) WHERE received_at IS NOT NULL"
            ),
        }
    )
