"""The command group `erase`: erases what callers said, and shows what was erased."""

from flask.cli import AppGroup

from receiver.cli.erase.erase import address_command, conversation_command, job_command
from receiver.cli.erase.reapply import export_command, reapply_command
from receiver.cli.erase.receipts import list_command, show_command
from receiver.cli.erase.verify import verify_command

group = AppGroup(
    "erase",
    help="""Erase what callers said, and show what was erased.

    An erasure is for good: nothing that arrives later brings anything of it back. A receipt says
    what was erased, when and why.""",
)
for _command in (
    job_command,
    address_command,
    conversation_command,
    list_command,
    show_command,
    verify_command,
    export_command,
    reapply_command,
):
    group.add_command(_command)
