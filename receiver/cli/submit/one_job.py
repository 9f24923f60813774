"""`submit` without --from-csv: submits one job, and prints its id."""

import sys
from functools import partial

from receiver.cli.output import CommandError, echo
from receiver.cli.submit.interrupt import INTERRUPTED, stop_on_ctrl_c
from receiver.services import services
from receiver.submissions.batch import Batch
from receiver.submissions.csv_rows import Row
from receiver.submissions.participants import participants_fault, stores_into_conversation
from receiver.twilio.client import Twilio
from schemas.submission import format_faults


def submit_one(twilio: Twilio, row: Row, submitted_by: str) -> None:
    """Submit the job, and print its id; raise CommandError if that fails.

    Exits with INTERRUPTED if Ctrl-C was pressed before anything was submitted.
    """
    if fault := participants_fault(row.request, partial(stores_into_conversation, twilio)):
        raise CommandError(format_faults([fault]))
    batch = Batch(services().engine, twilio, submitted_by)
    with stop_on_ctrl_c(batch):
        [result] = batch.run([row])
    if result.may_be_submitted:
        raise CommandError(
            f"{result.fault} Run the command again with --idempotency-key {row.key}: that creates "
            "no second job."
        )
    if result.fault:
        raise CommandError(result.fault)
    if result.job_id is None:
        echo("Nothing was submitted.", err=True)
        sys.exit(INTERRUPTED)
    echo(result.job_id)
