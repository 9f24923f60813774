"""Running a command as `flask --app app …` does."""

from click.testing import Result
from flask import Flask


def run(app: Flask, *arguments: str) -> Result:
    """Return what the command printed, and its exit code."""
    return app.test_cli_runner().invoke(args=list(arguments))
