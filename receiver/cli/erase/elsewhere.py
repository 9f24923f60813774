"""Says what an erasure doesn't reach, and what to do about it."""

from receiver.cli.output import echo
from receiver.store.erasure.vacuum import VACUUM

_TWILIO = (
    "Twilio has its own copy. Delete the recording with DELETE "
    "https://api.twilio.com/2010-04-01/Accounts/AC…/Recordings/RE….json, where RE… was the job's "
    "sourceId. Twilio's API has no request to delete a transcription: for it, and for the text in "
    "a conversation, ask Twilio's support."
)
_MEDIA = "A file that was submitted by its mediaUrl stays at that URL: delete it there."
_SPOOLS = (
    "Spools of other machines: their workers move the files into the database, which stores "
    "nothing of what was erased. Damaged and refused files stay: `spool` lists those of a machine."
)
_BACKUPS = (
    "Backups: write the erasures to a file outside of the database now, with `flask --app app "
    "erase export - > FILE`. After a restore, run `flask --app app erase reapply - < FILE`."
)
_CONSUMERS = (
    "Consumers: every client that has read a transcript may have a copy. The feed of changes and "
    "push report the erasure to their consumers."
)
_POSTGRES = (
    "Postgres's files: dead rows stay until VACUUM, their bytes in free space until new rows or "
    "VACUUM FULL overwrite them, and the WAL until it is recycled. Run "
    f"`{VACUUM}` as the tables' owner. `erase show` says whether this has happened, and "
    "docs/privacy.md has the rest."
)


def elsewhere(kind: str) -> list[str]:
    """Return what remains elsewhere after an erasure of this kind."""
    here = [_SPOOLS, _BACKUPS, _CONSUMERS, _POSTGRES]

    return here if kind == "reapply" else [_TWILIO, _MEDIA, *here]


def print_elsewhere(kind: str) -> None:
    """Print what remains elsewhere."""
    echo("", "What remains elsewhere:", *(f"- {line}" for line in elsewhere(kind)))
