"""Which commands there are."""

from flask import Flask

from receiver.cli import (
    callbacks,
    completeness,
    database,
    doctor,
    reconcile,
    rejected,
    simulate,
    spool,
    submit,
)


def register(app: Flask) -> None:
    """Give the application its commands."""
    for command in (
        callbacks.group,
        completeness.command,
        database.migrate_command,
        database.rebuild_command,
        doctor.command,
        reconcile.command,
        rejected.group,
        simulate.command,
        spool.command,
        submit.command,
    ):
        app.cli.add_command(command)
