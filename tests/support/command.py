"""Runs a command as `flask --app app …` does."""

from click.testing import Result
from flask import Flask


def run(app: Flask, *arguments: str) -> Result:
    """Return the command's output and exit code."""
    return app.test_cli_runner().invoke(args=list(arguments))
