"""Which commands there are."""

from flask import Flask

from receiver.cli import callbacks, database, doctor, rejected, simulate, spool


def register(app: Flask) -> None:
    """Give the application its commands."""
    for command in (
        callbacks.group,
        database.migrate_command,
        database.rebuild_command,
        doctor.command,
        rejected.group,
        simulate.command,
        spool.command,
    ):
        app.cli.add_command(command)
