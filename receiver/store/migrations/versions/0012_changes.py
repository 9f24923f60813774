"""The index of the change feed: jobs in the order in which their last writers began."""

from receiver.store.online_indexes import create_indexes

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Create the index while callbacks arrive."""
    create_indexes({"transcriptions_changes": "transcriptions (transaction_id, id)"})
